/* A binary of 300 MB: 400,000 functions with names and unwind rows, and 256 MiB of read-only data.
 * main is in c_big.c, which calls big_entry, in the middle of the functions. */
	.text
	.altmacro
	.macro function number
	.globl big_function_\number
	.type big_function_\number, @function
big_function_\number:
	.cfi_startproc
	push %rbx
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset rbx, 0
	pop %rbx
	.cfi_adjust_cfa_offset -8
	ret
	.cfi_endproc
	.size big_function_\number, . - big_function_\number
	.endm
	.set number, 0
	.rept 200000
	function %number
	.set number, number + 1
	.endr

	.globl big_entry
	.type big_entry, @function
big_entry:
	.cfi_startproc
	push %rbp
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset rbp, 0
	mov $1000000, %ebp
1:	imul %rbp, %rax
	dec %ebp
	jnz 1b
	pop %rbp
	.cfi_adjust_cfa_offset -8
	ret
	.cfi_endproc
	.size big_entry, . - big_entry

	.rept 200000
	function %number
	.set number, number + 1
	.endr

	.section .rodata
	.globl big_data
big_data:
	.fill 33554432, 8, 0x0102030405060708

	.section .note.GNU-stack, "", @progbits
