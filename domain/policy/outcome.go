package policy

// Action is what a rule asks for, and what an evaluation comes to.
type Action string

// The actions, from the mostSevere.
const (
	Stop Action = "stop"
	Warn Action = "warn"
	Go   Action = "go"
)

// Status is the outcome of an evaluation for people: go and warn pass.
type Status string

// The statuses.
const (
	Pass Status = "pass"
	Fail Status = "fail"
)
