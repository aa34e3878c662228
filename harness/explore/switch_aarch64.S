/* SPDX-License-Identifier: MIT
 *
 * Frame of a suspended context, upwards from the saved stack pointer: x19..x28, x29, x30, d8..d15,
 * fpcr, padding; 176 bytes. make_context() in switch.cc builds the same.
 */
#if defined(__aarch64__)
        .text

        .globl pollux_switch_direct
        .hidden pollux_switch_direct
        .type pollux_switch_direct, %function
        .p2align 4
pollux_switch_direct:
        .cfi_startproc
        sub sp, sp, #176
        .cfi_adjust_cfa_offset 176
        stp x19, x20, [sp, #0]
        stp x21, x22, [sp, #16]
        stp x23, x24, [sp, #32]
        stp x25, x26, [sp, #48]
        stp x27, x28, [sp, #64]
        stp x29, x30, [sp, #80]
        .cfi_rel_offset x29, 80
        .cfi_rel_offset x30, 88
        stp d8, d9, [sp, #96]
        stp d10, d11, [sp, #112]
        stp d12, d13, [sp, #128]
        stp d14, d15, [sp, #144]
        mrs x9, fpcr
        str x9, [sp, #160]
        mov x9, sp
        str x9, [x0]
        mov sp, x1
        msr tpidr_el0, x2
        ldp x19, x20, [sp, #0]
        ldp x21, x22, [sp, #16]
        ldp x23, x24, [sp, #32]
        ldp x25, x26, [sp, #48]
        ldp x27, x28, [sp, #64]
        ldp x29, x30, [sp, #80]
        ldp d8, d9, [sp, #96]
        ldp d10, d11, [sp, #112]
        ldp d12, d13, [sp, #128]
        ldp d14, d15, [sp, #144]
        ldr x9, [sp, #160]
        msr fpcr, x9
        add sp, sp, #176
        .cfi_adjust_cfa_offset -176
        ret
        .cfi_endproc
        .size pollux_switch_direct, . - pollux_switch_direct

/* The outermost frame of a virtual thread: unwinders stop here. x19: entry, x20: argument. */
        .globl pollux_context_entry
        .hidden pollux_context_entry
        .type pollux_context_entry, %function
        .p2align 4
pollux_context_entry:
        .cfi_startproc
        .cfi_undefined x30
        mov x29, #0
        mov x30, #0
        mov x0, x20
        blr x19
        brk #1
        .cfi_endproc
        .size pollux_context_entry, . - pollux_context_entry

        .globl pollux_leave_stack
        .hidden pollux_leave_stack
        .type pollux_leave_stack, %function
        .p2align 4
pollux_leave_stack:
        .cfi_startproc
        .cfi_undefined x30
        mov x9, sp
        str x9, [x0]
        mov sp, x1
        mov x29, #0
        mov x30, #0
        mov x0, x3
        blr x2
        brk #1
        .cfi_endproc
        .size pollux_leave_stack, . - pollux_leave_stack
#endif
        .section .note.GNU-stack, "", %progbits
