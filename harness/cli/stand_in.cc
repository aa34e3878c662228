// SPDX-License-Identifier: MIT
//
// Nothing but a name: that of a ThreadSanitizer runtime, which the loader is content to have loaded
// (exec_launch.h).
