package sbom

import (
	"slices"
	"strings"
)

// Instructions are the instruction words of a Dockerfile.
var Instructions = []string{
	"ADD", "ARG", "COPY", "CMD", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL",
	"MAINTAINER", "ONBUILD", "USER", "RUN", "SHELL", "STOPSIGNAL", "VOLUME", "WORKDIR",
}

// HistoryEntry is one entry of the history in an image's configuration.
type HistoryEntry struct {
	CreatedBy string // the command, as the builder wrote it down
}

// InferDockerfile makes a Dockerfile of the history, one instruction a line. It begins with
// FROM scratch, because the history starts at the first layer of the base image.
//
// Builders write the history in three forms:
//
//	/bin/sh -c #(nop)  USER app       classic builder, an instruction
//	/bin/sh -c apt-get update         classic builder, a command
//	USER app                          BuildKit and others, an instruction
//
// Whatever is none of the instructions has been run.
func InferDockerfile(history []HistoryEntry) string {
	lines := []string{"FROM scratch"}
	for _, entry := range history {
		if line := inferLine(entry.CreatedBy); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

func inferLine(createdBy string) string {
	command := strings.TrimSpace(oneLine.Replace(createdBy))
	if command == "" {
		return ""
	}
	if instruction, found := classicInstruction(command); found {
		return normalizeExpose(instruction)
	}
	if !isInstruction(command) {
		return "RUN " + command
	}
	command = strings.TrimSuffix(command, " # buildkit")
	return normalizeHealthcheck(normalizeExpose(command))
}

// oneLine keeps a command with line breaks from passing for several
// instructions.
var oneLine = strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ")

// classicInstruction is what stands behind the classic builder's mark for an
// instruction that ran no command. Before the mark stands the shell in force:
// usually, but not always, /bin/sh -c.
func classicInstruction(command string) (string, bool) {
	shell, instruction, marked := strings.Cut(command, " #(nop) ")
	instruction = strings.TrimSpace(instruction)
	if !marked || instruction == "" {
		return "", false
	}
	otherShell := strings.HasSuffix(shell, " -c") || strings.HasSuffix(shell, " /C")
	return instruction, shell == "/bin/sh -c" || otherShell && isInstruction(instruction) && !isInstruction(shell)
}

func isInstruction(command string) bool {
	word, _, _ := strings.Cut(command, " ")
	return slices.Contains(Instructions, word)
}

// normalizeExpose turns EXPOSE map[22/tcp:{} 80/tcp:{}] into EXPOSE 22/tcp 80/tcp.
func normalizeExpose(line string) string {
	if !strings.HasPrefix(line, "EXPOSE map[") {
		return line
	}
	return "EXPOSE " + strings.Join(ExposedPorts(strings.TrimPrefix(line, "EXPOSE ")), " ")
}

// ExposedPorts are the ports of an EXPOSE instruction's argument, as written,
// or as Go prints the map that builders make of them: map[22/tcp:{}].
func ExposedPorts(argument string) []string {
	fields := strings.Fields(argument)
	if !strings.HasPrefix(argument, "map[") {
		return fields
	}
	ports := strings.Fields(strings.TrimSuffix(strings.TrimPrefix(argument, "map["), "]"))
	for i, port := range ports {
		ports[i] = strings.TrimSuffix(port, ":{}")
	}
	return ports
}
