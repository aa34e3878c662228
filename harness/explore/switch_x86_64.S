/* SPDX-License-Identifier: MIT
 *
 * Frame of a suspended context, upwards from the saved stack pointer: mxcsr and x87 control word,
 * r15, r14, r13, r12, rbx, rbp, return address. make_context() in switch.cc builds the same.
 */
#if defined(__x86_64__)
        .text

.macro SAVE
        pushq %rbp
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset rbp, 0
        pushq %rbx
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset rbx, 0
        pushq %r12
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset r12, 0
        pushq %r13
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset r13, 0
        pushq %r14
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset r14, 0
        pushq %r15
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset r15, 0
        subq $8, %rsp
        .cfi_adjust_cfa_offset 8
        stmxcsr (%rsp)
        fnstcw 4(%rsp)
.endm

.macro RESTORE
        ldmxcsr (%rsp)
        fldcw 4(%rsp)
        addq $8, %rsp
        .cfi_adjust_cfa_offset -8
        popq %r15
        .cfi_adjust_cfa_offset -8
        .cfi_restore r15
        popq %r14
        .cfi_adjust_cfa_offset -8
        .cfi_restore r14
        popq %r13
        .cfi_adjust_cfa_offset -8
        .cfi_restore r13
        popq %r12
        .cfi_adjust_cfa_offset -8
        .cfi_restore r12
        popq %rbx
        .cfi_adjust_cfa_offset -8
        .cfi_restore rbx
        popq %rbp
        .cfi_adjust_cfa_offset -8
        .cfi_restore rbp
.endm

        .globl pollux_switch_direct
        .hidden pollux_switch_direct
        .type pollux_switch_direct, @function
        .p2align 4
pollux_switch_direct:
        .cfi_startproc
        SAVE
        movq %rsp, (%rdi)
        movq %rsi, %rsp
        wrfsbase %rdx
        RESTORE
        ret
        .cfi_endproc
        .size pollux_switch_direct, . - pollux_switch_direct

        .globl pollux_switch_by_kernel
        .hidden pollux_switch_by_kernel
        .type pollux_switch_by_kernel, @function
        .p2align 4
pollux_switch_by_kernel:
        .cfi_startproc
        SAVE
        movq %rsp, (%rdi)
        movq %rsi, %rsp
        movl $158, %eax         /* SYS_arch_prctl */
        movl $0x1002, %edi      /* ARCH_SET_FS */
        movq %rdx, %rsi
        syscall
        RESTORE
        ret
        .cfi_endproc
        .size pollux_switch_by_kernel, . - pollux_switch_by_kernel

/* The outermost frame of a virtual thread: unwinders stop here. rbx: entry, r12: argument. */
        .globl pollux_context_entry
        .hidden pollux_context_entry
        .type pollux_context_entry, @function
        .p2align 4
pollux_context_entry:
        .cfi_startproc
        .cfi_undefined rip
        xorl %ebp, %ebp
        movq %r12, %rdi
        call *%rbx
        ud2
        .cfi_endproc
        .size pollux_context_entry, . - pollux_context_entry

        .globl pollux_leave_stack
        .hidden pollux_leave_stack
        .type pollux_leave_stack, @function
        .p2align 4
pollux_leave_stack:
        .cfi_startproc
        .cfi_undefined rip
        movq %rsp, (%rdi)
        movq %rsi, %rsp
        xorl %ebp, %ebp
        movq %rcx, %rdi
        call *%rdx
        ud2
        .cfi_endproc
        .size pollux_leave_stack, . - pollux_leave_stack
#endif
        .section .note.GNU-stack, "", %progbits
