package declaration

import (
	"time"

	"github.com/tagwatch/tagwatch/domain/condition"
)

// Folder names the task that applies the folder of documents which workers have.
const Folder = "apply-configuration"

// Applied is what came of applying a folder of documents.
type Applied struct {
	// Changes counts the things that were changed.
	Changes int
	// Problem is why the folder is not applied, or not as a whole; nil if it is.
	Problem *condition.Problem
	// Retry is the time until it is tried again; zero if it need not be.
	Retry time.Duration
}
