#compdef tagwatch
# Completion of tagwatch for zsh.
_tagwatch() {
	local -a found
	found=("${(@f)$(command tagwatch "${(@)words[2,CURRENT-1]}" "${words[CURRENT]}" --generate-bash-completion 2>/dev/null)}")
	if [[ -n ${found[1]} ]]; then
		compadd -a found
	else
		_files
	fi
}
if [[ $funcstack[1] == _tagwatch ]]; then
	_tagwatch "$@"
else
	compdef _tagwatch tagwatch
fi
