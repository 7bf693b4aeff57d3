"""Words of the report in English and Chinese. Output of devices and messages stay as they are."""

from __future__ import annotations

import re
from collections.abc import Callable

Say = Callable[[str], str]
"""From the English words to those of the report's language."""

UNJUDGED_CHECKS = (
    "Checks: run / available for the row on this topology; –: none, other topologies may have some "
    "(--topology=all). A row is NOT TESTED unless all its checks were run."
)

GUIDE = "deployment guide: the article “DPVS-FullNAT模式部署篇” (2021)"

_ZH = {
    "DPVS acceptance": "DPVS 验收报告",
    "READY": "可上线",
    "NOT READY": "不可上线",
    "PASSED ON SIMULATION": "模拟环境通过",
    "PARTIAL": "部分执行",
    "BLOCKED": "受阻",
    "full": "完整",
    "core": "核心",
    "extended": "扩展",
    "PASS": "通过",
    "FAIL": "失败",
    "FLAKY": "不稳定",
    "NOT SUPPORTED": "不支持",
    "NOT TESTED": "未测试",
    "NOT APPLICABLE": "不适用",
    "waived": "已豁免",
    "Requirements by outcome": "各结果的要求数",
    "Contents": "目录",
    "Device under test": "被测设备",
    "Topology": "拓扑",
    "Kernel": "内核",
    "Run": "运行",
    "Started": "开始",
    "Finished": "结束",
    "after": "历时",
    "Suite": "测试套件",
    "commit": "提交",
    "with local changes": "工作区有未提交的修改",
    "Profile": "判定范围",
    "strict": "严格",
    "NIC map before binding": "网卡对应表（绑定之前）",
    "NIC": "网卡",
    "Link": "链路",
    "MAC": "MAC",
    "PCI address": "PCI 地址",
    "Port": "端口",
    "Model": "型号",
    "Driver": "驱动",
    "Firmware": "固件",
    "NUMA node": "NUMA 节点",
    "Requirements": "要求",
    "Show": "显示",
    "Id": "编号",
    "Priority": "优先级",
    "Outcome": "结果",
    "Requirement": "要求内容",
    "Source": "来源",
    "Time": "用时",
    "Failures": "失败项",
    "Checks without a requirement": "没有对应要求的检查",
    "Where to look": "排查方法",
    "Not shown by this run": "本次运行未能验证的要求",
    "Passed checks": "通过的检查",
    "Nothing.": "无。",
    "Evidence": "证据",
    "Probe output": "探测输出",
    "pytest output": "pytest 的输出",
    "Attempt": "第几次尝试",
    "Rerun": "重新执行",
    "Last commands of this check": "本项检查最后执行的命令",
    "Captured packets": "抓包（报文时序）",
    "shown": "显示",
    "of": "共",
    "rows": "条",
    "rows checked": "条，已检查",
    "not covered by this run, no effect on the verdict": ("本次运行未覆盖，不影响结论"),
    "Not judged by this run": "未参与本次判定的要求",
    "no effect on the verdict": "不影响结论",
    "To include them": "纳入判定的命令",
    "Checks": "检查",
    "Details": "详见",
    UNJUDGED_CHECKS: (
        "检查：已执行 / 该条目在此拓扑上可用的检查数；–：没有，其他拓扑可能有（--topology=all）。"
        "只有全部执行过的条目才有结果，否则为未测试。"
    ),
    "Needs": "需要",
    "known defect of this version": "该版本的已知缺陷",
    "bonding": "bonding（交换机聚合）",
    "kni": "kni",
    "rte_flow": "网卡分流（rte_flow）",
    "several queues": "多队列",
    "synproxy": "synproxy",
    "tunnel endpoint": "隧道对端",
    "keepalived": "keepalived",
    "second DPVS": "第二台 DPVS",
    "toa reader": "TOA 模块",
    "uoa reader": "UOA 模块",
    "several kernels": "多种内核",
    "old reader": "旧版模块",
    "not covered by this run": "本次运行未覆盖",
    "The device is simulated: this report is no sign-off.": (
        "被测设备是模拟的，本报告不能作为上线签署。"
    ),
    "A fault was injected: this run tests the checks, not the device": (
        "本次运行注入了故障，结果只用于验证检查项，不代表设备"
    ),
    "Seen": "实际",
    "Expected": "期望",
    "Host": "主机",
    "Command": "命令",
    "Exit": "退出码",
    "DPVS": "DPVS",
    "DPDK": "DPDK",
    "Contents of this report": "本报告目录",
    "Pictures": "图表",
    "Round-trip time of the VIP": "VIP 的往返时间",
    "Spread over the real servers": "各 RS 的连接分布",
    "Timeline of the run": "运行时间线",
    "median": "中位数",
    "connections": "连接数",
    "expected": "期望",
    "band of a fair spread (99.99 %)": "公平分布的置信带（99.99 %）",
    "Test completion": "测试完成情况",
    "Deviations from the plan": "与计划的偏差",
    "What blocked the run": "受阻原因",
    "Residual risk": "剩余风险",
    "more reasons": "其余原因",
    "no check was run for": "没有执行检查的要求",
    "--attach: the device was checked as it was; nothing was set up": (
        "--attach：按现状检查设备，没有做任何部署"
    ),
    "--lenient: known defects of the version do not count": ("--lenient：该版本的已知缺陷不计入"),
    "Waivers": "豁免",
    "Reason": "原因",
    "Owner": "负责人",
    "Issue": "工单",
    "Expires": "到期",
    "State": "状态",
    "used": "已使用",
    "unused": "未使用",
    "expired": "已过期",
    "Sign-off": "签署",
    "Name": "姓名",
    "Role": "角色",
    "Date": "日期",
    "Remarks": "备注",
    "Signature": "签名",
    "Tested by": "测试",
    "Released by": "发布",
    "How to reproduce": "如何复现",
    "In a clone of the suite at this commit": "在该提交的套件目录中执行",
    "Verify that no file was changed, and compute the verdict again": (
        "校验文件未被改动，并重新计算结论"
    ),
    "Files of this run": "本次运行的文件",
    "SHA-256 of the manifest": "清单的 SHA-256",
    "Digital signature": "数字签名",
    "This run is not signed.": "本次运行未签名。",
    "Whose keys these are is checked by": "密钥归属用以下命令核对",
    "client": "客户端",
    "real server": "RS",
    "gateway": "网关",
    "no drawing: the run has no topology file": "未绘制：本次运行没有保存拓扑文件",
    "No Chinese text, shown in English": "没有中文文本，以英文显示",
    GUIDE: "部署指南：即文章《DPVS-FullNAT模式部署篇》（2021）",
    "deployment guide": "部署指南",
    "Time of the run": "本次运行的用时",
    "Times of checks do not include set-up and undo of the run.": (
        "各项检查的用时不含环境准备和恢复。"
    ),
    "lab": "搭建实验环境",
    "connect": "连接",
    "survey": "信息采集",
    "bring-up": "部署",
    "readers": "加载 TOA/UOA 模块",
    "rehearsal: NICs down while ssh is watched": "预演：监视 ssh，短暂关闭网卡",
    "evidence": "保存证据",
    "undo": "恢复",
    "compare": "前后对比",
    "checks": "检查",
    "other": "其他",
    "all": "全部",
    "simulation": "模拟",
    "hardware": "硬件",
    "software lab": "软件实验环境",
    "seconds": "秒",
}


# The sentences that the verdict itself makes; what checks and devices said stays in them.
_REASONS = (
    (
        r"^the device is simulated: this verdict signs nothing off$",
        "被测设备是模拟的，此结论不能用于签署",
    ),
    (r"^the fault (.+) was injected$", r"注入了故障 \1"),
    (r"^no check passed$", "没有任何检查通过"),
    (r"^no check was run$", "没有执行任何检查"),
    (r"^nothing says what kind of device was tested$", "未说明被测设备的类型"),
    (r"^profile (\w+): only requirements of (.+) were judged$", r"档位 \1：只判定了 \2 的要求"),
    (r"^(\d+) checks were not run$", r"有 \1 项检查未执行"),
    (r"^(\d+) checks were deselected$", r"有 \1 项检查被排除"),
    (r"^not all checks were requested: ", "没有要求执行全部检查："),
    (r"^the run was interrupted: ", "运行被中断："),
    (r"^blocked: ", "受阻："),
    (r" \((\d+) checks could not run\)$", r"（\1 项检查无法进行）"),
    (r"^the waiver of (\S+) expired on (\S+) ", r"\1 的豁免已于 \2 到期 "),
    (r"^warning: unused waiver for (\S+) .*$", r"警告：\1 的豁免未被使用，请删除"),
    (r"^topology (\S+) is judged by (.+)$", r"拓扑 \1 按 \2 判定"),
    (r"^profile (\w+)$", r"档位 \1"),
    (r" is waived until (\S+) by ", r" 已豁免至 \1，负责人 "),
    (r"^(\S+): (\d+) of (\d+) rows checked", r"\1：共 \3 条，已检查 \2 条"),
    (r", the others NOT TESTED$", "，其余未测试"),
    (r" \(known: ([^)]*)\):", r"（该版本的已知缺陷：\1）："),
    (
        r" is a known defect of this version \((.*)\) and does not count: --lenient$",
        r" 是该版本的已知缺陷（\1），按 --lenient 不计入",
    ),
    (r"^(\S+) passes although it is known to fail \((.*)\)$", r"\1 已知会失败却通过（\2）"),
    (r"^without (\d+) of (\d+) checks, ", r"\2 项检查中有 \1 项没有结果，"),
    (r"\bNOT TESTED\b", "未测试"),
    (r"\bNOT SUPPORTED\b", "不支持"),
    (r"\bNOT APPLICABLE\b", "不适用"),
    (r"\bPARTIAL\b", "部分"),
    (
        r"^holds where its (\d+) parts do; topologies that prove them: ",
        r"其 \1 个部分均成立时成立；证明它们的拓扑：",
    ),
    (r"; without a topology: (\d+)$", r"；尚无拓扑：\1"),
    (r"^(\S+ \(P\d\)) FAIL\b", r"\1 失败"),
    (r"^(\S+ \(P\d\)) FLAKY\b", r"\1 不稳定"),
)


def reason(words: str, language: str) -> str:
    """A reason of the verdict in the report's language."""
    if language == "zh":
        for pattern, chinese in _REASONS:
            words = re.sub(pattern, chinese, words)
    return words


def speaker(language: str) -> Say:
    """Words of `language`, `en` or `zh`; what has no translation stays English."""
    if language == "zh":
        return lambda words: _ZH.get(words, words)
    return lambda words: words
