/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The user registers of a task as walks start from them. */
#pragma once

#include <linux/ptrace.h>

#include "bpf/abi/sample.h"

#define GP_USER32_CS 0x23 /* arch/x86/include/asm/segment.h: __USER32_CS */

/* `in_kernel`: the task is in the kernel, not in user mode. */
static __always_inline void gp_take_registers(struct gp_registers *to, const struct pt_regs *regs, int in_kernel)
{
	__u64 *value = to->value;

	value[0] = regs->rax;
	value[1] = regs->rdx;
	value[2] = regs->rcx;
	value[3] = regs->rbx;
	value[4] = regs->rsi;
	value[5] = regs->rdi;
	value[6] = regs->rbp;
	value[7] = regs->rsp;
	value[8] = regs->r8;
	value[9] = regs->r9;
	value[10] = regs->r10;
	value[11] = regs->r11;
	value[12] = regs->r12;
	value[13] = regs->r13;
	value[14] = regs->r14;
	value[15] = regs->r15;
	value[16] = regs->rip;
	to->valid = GP_REGS_ALL;
	/* In a system call rip is past the instruction: treat it as a call, so that it is looked up inside. */
	to->is_return = in_kernel && (__s64)regs->orig_rax >= 0;
}
