# Completion of tagwatch for fish.
function __tagwatch_complete
    set -l words (commandline --tokenize --current-process --cut-at-cursor)
    set -l word (commandline --current-token --cut-at-cursor)
    set -l found (command tagwatch $words[2..] "$word" --generate-bash-completion 2>/dev/null)
    if set -q found[1]
        printf '%s\n' $found
    else
        __fish_complete_path "$word"
    end
end
complete --command tagwatch --no-files --arguments '(__tagwatch_complete)'
