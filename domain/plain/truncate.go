package plain

// Truncate shortens a text to a number of characters, the last an ellipsis.
func Truncate(limit int, text string) string {
	runes := []rune(text)
	if limit < 1 || len(runes) <= limit {
		return text
	}
	return string(runes[:limit-1]) + "…"
}
