package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

func init() { programs["terminal"] = inTerminal }

// inTerminal runs a program on a terminal that is so many cells wide, and prints
// what the terminal gets: terminal COLUMNS PROGRAM [ARG...]. An interrupt is
// typed on that terminal.
func inTerminal() {
	code, err := runInTerminal(os.Args[1], os.Args[2:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 3
	}
	os.Exit(code)
}

func runInTerminal(columns string, command []string) (code int, err error) {
	width, err := strconv.Atoi(columns)
	if err != nil {
		return 0, err
	}
	keyboard, screen, err := openTerminal(width)
	if err != nil {
		return 0, err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	program := exec.Command(command[0], command[1:]...)
	program.Stdin, program.Stdout, program.Stderr = screen, screen, screen
	program.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := program.Start(); err != nil {
		return 0, err
	}
	_ = screen.Close() // the program has it
	context.AfterFunc(ctx, func() { _, _ = keyboard.Write([]byte{3}) })
	buffer := make([]byte, 4096)
	for {
		n, err := keyboard.Read(buffer)
		_, _ = io.WriteString(os.Stdout, strings.ReplaceAll(string(buffer[:n]), "\r\n", "\n"))
		if err != nil {
			break // the program ended
		}
	}
	if _ = program.Wait(); program.ProcessState == nil {
		return 0, fmt.Errorf("%s did not end", command[0])
	}
	return program.ProcessState.ExitCode(), nil
}

// openTerminal makes a pseudo-terminal: see pty(7).
func openTerminal(columns int) (keyboard, screen *os.File, err error) {
	keyboard, err = os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		return nil, nil, err
	}
	fd := int(keyboard.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		return nil, nil, err
	}
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		return nil, nil, err
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: uint16(columns)}); err != nil {
		return nil, nil, err
	}
	screen, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR, 0)
	return keyboard, screen, err
}
