#compdef tagwatch
# Completion of tagwatch for zsh.
_tagwatch() {
	local current="${words[CURRENT]}"
	local -a before=("${(@)words[2,CURRENT-1]}") found
	# A lone -- would end the options.
	[[ $current == -* ]] && before+=("${current/%--/-}")
	found=("${(@f)$(command tagwatch "${before[@]}" --generate-bash-completion 2>/dev/null)}")
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
