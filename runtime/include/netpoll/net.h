// SPDX-License-Identifier: MIT
// The whole net layer.
#pragma once

#include "netpoll/address.h"
#include "netpoll/conn.h"
#include "netpoll/copy.h"
#include "netpoll/dial.h"
#include "netpoll/error.h"
#include "netpoll/file.h"
#include "netpoll/pipe.h"
#include "netpoll/tcp.h"
#include "netpoll/udp.h"
#include "netpoll/unix.h"
