package policy

import "fmt"

// unreadableFiles fires once for each file. Its trigger id is made of the path
// alone: reasons may be worded differently by another version of syft.
func unreadableFiles(c *check) error {
	for file := range each(c.memo.timeLimit, c.input.Inventory.Unreadable) {
		c.fireAs(triggerID(c.gate, c.trigger, file.Path), fmt.Sprintf("Packages of file %s could not be read (%s: %s)", file.Path, file.Cataloger, file.Reason))
	}
	return nil
}

// analysisFailed has a trigger id of its own for each image, so that a whitelist
// item is about that one only.
func analysisFailed(c *check) error {
	if failed := c.input.Failed; failed != nil {
		c.fireAs(triggerID(c.gate, c.trigger, string(failed.Digest)), fmt.Sprintf("Image %s could not be analyzed (%s); this evaluation is of %s",
			failed.Digest, failed.Reason, c.input.Inventory.Digest))
	}
	return nil
}
