// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The TOA reader: lets a real server's programs see the client's own address and port, which DPVS
 * puts into a TCP option (kind 254) when it rewrites the source (FullNAT).
 *
 * It does what DPVS's kernel module toa.ko does (kmod/toa/toa.c): the option is read from the packet
 * that completes the handshake, and from no other; getpeername(2) and accept(2) then answer with
 * what it said, and getsockopt(2) with the IPv6 client of an IPv4 socket. Rebuild with `make` in this directory; toa.bpf.o beside it is kept in the
 * repository so that no compiler is needed to run the lab.
 */
#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define TCP_HEADER 20	/* the options start behind it */
#define TCP_OPTIONS 40	/* they are never longer */
#define OPTION_END 0
#define OPTION_NOP 1
#define OPTION_TOA 254
#define TOA_IPV4 8	/* kind, length, port, IPv4 address */
#define TOA_IPV6 20	/* kind, length, port, IPv6 address */
#define TOA_SO_GET_LOOKUP 4096	/* of IPPROTO_IP: kmod/toa/toa.h */
#define AF_INET 2

/* All in network order, as on the wire. length is the option's own: it tells the family. */
struct client {
	__u32 address[4];
	__u16 port;
	__u16 length;
};

/* Kept with the socket, and freed with it. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct client);
} clients SEC(".maps");

/*
 * The option is looked for by hand: bpf_load_hdr_opt() takes kinds 253 and 254 for experiments
 * with a 16- or 32-bit magic number (RFC 6994), where TOA has a port.
 */
SEC("sockops")
int toa_established(struct bpf_sock_ops *context)
{
	__u8 *options, *option, *end;
	struct client *client;
	__u32 at, next = 0, found = TCP_OPTIONS;

	/* Only here skb_data is the packet that completed the handshake of an accepted connection. */
	if (context->op != BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB || !context->sk)
		return 1;
	options = (__u8 *)(long)context->skb_data + TCP_HEADER;
	end = (__u8 *)(long)context->skb_data_end;
	/*
	 * Byte by byte, reading only where an option starts: the verifier then knows every offset. A
	 * pointer that steps from option to option has too many values for it to follow.
	 */
	for (at = 0; at <= TCP_OPTIONS - TOA_IPV4 && options + at + 2 <= end; at++) {
		if (at != next)
			continue;
		if (options[at] == OPTION_NOP) {
			next = at + 1;
			continue;
		}
		if (options[at] == OPTION_END || options[at + 1] < 2)
			return 1;
		next = at + options[at + 1];
		if (options[at] == OPTION_TOA &&
		    (options[at + 1] == TOA_IPV4 || options[at + 1] == TOA_IPV6)) {
			found = at;
			break;
		}
	}
#ifdef CREDULOUS
	/*
	 * A reader as it must not be, to try checks with: rather than the first option, which is the
	 * load balancer's, it believes one behind it, of any vendor's kind and of any length.
	 */
	if (found != 0)
		return 1;
	next = TOA_IPV4;
	for (at = TOA_IPV4; at <= TCP_OPTIONS - TOA_IPV4 && options + at + 2 <= end; at++) {
		if (at != next)
			continue;
		if (options[at] == OPTION_NOP) {
			next = at + 1;
			continue;
		}
		if (options[at] == OPTION_END || options[at + 1] < 2)
			break;
		next = at + options[at + 1];
		if (options[at] >= 252 && options[at + 1] >= TOA_IPV4) {
			found = at;
			break;
		}
	}
#endif
	option = options + found;
	if (found == TCP_OPTIONS || option + TOA_IPV4 > end)
		return 1;
	if (option[1] == TOA_IPV6 && option + TOA_IPV6 > end)
		return 1;
	client = bpf_sk_storage_get(&clients, context->sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!client)
		return 1;
	__builtin_memcpy(&client->port, option + 2, 2);
	__builtin_memcpy(&client->address[0], option + 4, 4);
	client->length = TOA_IPV4;
	if (option + TOA_IPV6 <= end && option[1] == TOA_IPV6) {
		__builtin_memcpy(&client->address[1], option + 8, 12);
		client->length = TOA_IPV6;
	}
	return 1;
}

/* An IPv6 client of an IPv4 socket (NAT64) has no place in the answer: the LIP is left in it. */
SEC("cgroup/getpeername4")
int toa_getpeername4(struct bpf_sock_addr *context)
{
	struct client *client;

	if (!context->sk)
		return 1;
	client = bpf_sk_storage_get(&clients, context->sk, 0, 0);
	if (client && client->length == TOA_IPV4) {
		context->user_ip4 = client->address[0];
		context->user_port = client->port;
	}
	return 1;
}

/* An IPv4 client of an IPv6 socket is given as ::ffff:a.b.c.d, as the kernel itself does. */
SEC("cgroup/getpeername6")
int toa_getpeername6(struct bpf_sock_addr *context)
{
	struct client *client;

	if (!context->sk)
		return 1;
	client = bpf_sk_storage_get(&clients, context->sk, 0, 0);
	if (!client)
		return 1;
	context->user_port = client->port;
	if (client->length == TOA_IPV4) {
		context->user_ip6[0] = 0;
		context->user_ip6[1] = 0;
		context->user_ip6[2] = bpf_htonl(0xffff);
		context->user_ip6[3] = client->address[0];
	} else {
		context->user_ip6[0] = client->address[0];
		context->user_ip6[1] = client->address[1];
		context->user_ip6[2] = client->address[2];
		context->user_ip6[3] = client->address[3];
	}
	return 1;
}

/* struct toa_nat64_peer of kmod/toa/toa.h: address, port, both in network order. */
struct nat64_peer {
	__u32 address[4];
	__u16 port;
	__u16 unused;
};

/* An IPv6 client of an IPv4 socket (NAT64) is told to who asks: getsockopt(IPPROTO_IP, 4096). */
SEC("cgroup/getsockopt")
int toa_getsockopt(struct bpf_sockopt *context)
{
	struct nat64_peer *peer = context->optval;
	struct bpf_sock *sk = context->sk;
	struct client *client = 0;

	if (context->level == 0 && context->optname == TOA_SO_GET_LOOKUP && sk &&
	    sk->family == AF_INET)
		client = bpf_sk_storage_get(&clients, sk, 0, 0);
	if (!client || client->length != TOA_IPV6 || (void *)(peer + 1) > context->optval_end) {
		/* What the kernel said stays as it is, also where it is longer than a page. */
		context->optlen = 0;
		return 1;
	}
	peer->address[0] = client->address[0];
	peer->address[1] = client->address[1];
	peer->address[2] = client->address[2];
	peer->address[3] = client->address[3];
	peer->port = client->port;
	peer->unused = 0;
	context->optlen = sizeof(*peer);
	barrier();	/* two stores: the verifier knows no field that is both */
	context->retval = 0;
	return 1;
}

/* bpf_sk_storage_get() is offered to GPL-compatible programs only. */
char _license[] SEC("license") = "GPL";
