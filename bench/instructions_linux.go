package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A counter counts the instructions that a process runs, its own and the kernel's
// for it. Unlike times they hardly change with what else the machine does. The
// kernel must let us count (kernel.perf_event_paranoid).
type counter []*os.File // one for each thread, with those that it starts

// count starts counting.
func count(pid int) (counter, error) {
	threads, err := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/task/*")
	if err != nil {
		return nil, err
	}
	attributes := unix.PerfEventAttr{Type: unix.PERF_TYPE_HARDWARE, Config: unix.PERF_COUNT_HW_INSTRUCTIONS, Bits: unix.PerfBitInherit}
	attributes.Size = uint32(unsafe.Sizeof(attributes))
	var c counter
	for _, thread := range threads {
		id, err := strconv.Atoi(filepath.Base(thread))
		if err != nil {
			return nil, err
		}
		fd, err := unix.PerfEventOpen(&attributes, id, -1, -1, unix.PERF_FLAG_FD_CLOEXEC)
		if err != nil {
			c.close()
			return nil, fmt.Errorf("count instructions: %w", err)
		}
		c = append(c, os.NewFile(uintptr(fd), thread))
	}
	return c, nil
}

// soFar is how many there were since count.
func (c counter) soFar() (all uint64, err error) {
	for _, thread := range c {
		var n [8]byte
		if _, err := thread.Read(n[:]); err != nil {
			return 0, fmt.Errorf("count instructions: %w", err)
		}
		all += binary.NativeEndian.Uint64(n[:])
	}
	return all, nil
}

func (c counter) close() {
	for _, thread := range c {
		thread.Close()
	}
}
