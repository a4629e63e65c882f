/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* A cast in macros that both BPF C and C++ use. */
#pragma once

#ifdef __cplusplus
#define GP_CAST(type, value) static_cast<type>(value)
#else
#define GP_CAST(type, value) ((type)(value))
#endif
