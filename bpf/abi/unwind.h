/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Unwind rows and rules as the walker reads them. Compiled by user space (src/elf) one 64 KiB page of a file at a
 * time, stored in the row pool, searched by bpf/walk/native.h. Included by BPF C and by C++.
 */
#pragma once

#include <linux/types.h>

#include "bpf/abi/cast.h"

/* Code is cut in pages of file offsets. */
#define GP_PAGE_SHIFT 16
#define GP_PAGE_SIZE (1u << GP_PAGE_SHIFT)

/* How the canonical frame address (CFA: the stack pointer's value in the caller, after its call) is found. */
enum gp_cfa_op {
	GP_CFA_NONE = 0,       /* no rule here: fall back on frame pointers */
	GP_CFA_REG = 1,        /* regs[cfa_reg] + cfa_offset */
	GP_CFA_REG_DEREF = 2,  /* *(regs[cfa_reg] + cfa_offset): over-aligned frames (DRAP) */
	GP_CFA_PLT = 3,        /* rsp + 8 + ((pc & 15) >= cfa_offset ? 8 : 0): lazy PLT stubs */
	GP_CFA_ROOT = 4,       /* the outermost frame: its return address is undefined */
	GP_CFA_SIGNAL = 5,     /* signal trampoline: all registers from the ucontext at rsp + cfa_offset */
	GP_CFA_FRAME_POINTER = 6, /* by design (Go's stack switches): CFA = rbp + 16, not a guess */
	GP_CFA_REG_DEREF_ADD = 7, /* *(regs[cfa_reg] + deref_offset * 8) + cfa_offset (hand-written assembly);
	                             deref_offset is kept in ra_offset, the return address is at CFA-8 */
};

/* Where the return address is. */
enum gp_ra_op {
	GP_RA_CFA = 0,      /* *(CFA + ra_offset), x86-64: -8 */
	GP_RA_REGISTER = 1, /* regs[ra_offset]: vfork's wrapper keeps it in rdi; arm64's link register */
};

/* Flags of a rule. */
#define GP_RULE_SAVED_AT_FP 1 /* saved[] are relative to the current rbp instead of the CFA (over-aligned frames) */

/* Callee-saved registers of x86-64 in the order of gp_rule.saved, by DWARF number (System V psABI, figure 3.36). */
#define GP_SAVED_REGS 6
#define GP_SAVED_DWARF_NUMBERS { 3 /* rbx */, 6 /* rbp */, 12, 13, 14, 15 }
#define GP_SAVED_RBX 0
#define GP_SAVED_RBP 1

#define GP_SAVED_SAME 0       /* not saved: the caller's value is the current one */
#define GP_SAVED_UNKNOWN -128 /* saved in a way a rule cannot say: the caller's value is not known */

/* One way to step from a frame to its caller. Deduplicated within a page. */
struct gp_rule {
	__u8 cfa_op;    /* enum gp_cfa_op */
	__u8 cfa_reg;   /* DWARF register number, 0-16 */
	__u8 ra_op;     /* enum gp_ra_op */
	__u8 flags;
	__s32 cfa_offset;
	__s8 saved[GP_SAVED_REGS]; /* in 8-byte words from the CFA (from rbp with GP_RULE_SAVED_AT_FP); see above.
	                              With SAVED_AT_FP a word offset of 0 is written as 127. */
	__s16 ra_offset; /* bytes from the CFA, or a register number, see ra_op */
};

#define GP_SAVED_AT_FP_ZERO 127

/* From `pc` (offset in its page) to the next row's pc, `rule` (index into the page's rules) holds. */
struct gp_row {
	__u16 pc;
	__u16 rule;
};

/*
 * Word of the page directory: where the rules and rows of one page are.
 *   bits 0-7   segment of the row pool
 *   bits 8-17  first 1 KiB chunk in the segment
 *   bits 18-34 count of rows (a page has at most 65,536)
 *   bits 35-47 count of rules (0-8,191)
 *   bits 48-63 generation, never 0 in a loaded page
 * 0: not loaded. Rules come first (16 bytes each), rows follow.
 */
#define GP_PAGE_NOT_LOADED 0ull
#define GP_PAGE_EMPTY 1ull      /* looked at: nothing in it has a rule */
#define GP_PAGE_UNREADABLE 2ull /* the file cannot be read */
#define GP_PAGE_STATES 3ull     /* words below this are states, not places */

#define GP_PAGE_SEGMENT(word) GP_CAST(__u32, (word) & 0xff)
#define GP_PAGE_CHUNK(word) GP_CAST(__u32, ((word) >> 8) & 0x3ff)
#define GP_PAGE_ROWS(word) GP_CAST(__u32, ((word) >> 18) & 0x1ffff)
#define GP_PAGE_RULES(word) GP_CAST(__u32, ((word) >> 35) & 0x1fff)

#define GP_SEGMENT_SIZE (1u << 20)
#define GP_CHUNK_SIZE 1024u
#define GP_SEGMENT_WORDS (GP_SEGMENT_SIZE / 4) /* of 4 bytes; the map's elements are pairs of them */
#define GP_CHUNK_WORDS (GP_CHUNK_SIZE / 4)
#define GP_SEGMENTS_MAX 64u

#ifdef __cplusplus
static_assert(sizeof(gp_rule) == 16);
static_assert(sizeof(gp_row) == 4);
#else
_Static_assert(sizeof(struct gp_rule) == 16, "rule is four pool words");
_Static_assert(sizeof(struct gp_row) == 4, "row is one pool word");
#endif
