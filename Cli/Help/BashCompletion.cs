using System.Text;

namespace Mergeflow.Cli;

/// <summary>Completion for bash, without the package bash-completion.</summary>
internal static class BashCompletion
{
    public static string Write(string program, CommandNode root)
    {
        string function = CompletionCommand.FunctionOf(program);
        StringBuilder text = new();
        text.Append(
            $$"""
            # bash completion for {{program}}, written by "{{program}} completion bash"
            {{function}}() {
                local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command= i words= files=
                COMPREPLY=()
                for ((i = 1; i < COMP_CWORD; i++)); do
                    case "$command/${COMP_WORDS[i]}" in

            """);
        Case(text, 12, root.All.Skip(1).Select(static c => $"{Key(c)}"), "command=$command/${COMP_WORDS[i]}");
        text.Append("        esac\n    done\n    case \"$command $prev\" in\n");
        var valued = root.All.SelectMany(static c => c.Options.Where(static o => o.Value is not null).SelectMany(o => o.Names.Select(n => (Pattern: $"\"{Key(c)} {n}\"", Value: o.Value!))));
        foreach (var group in valued.GroupBy(static v => (Words: string.Join(' ', v.Value.Values), v.Value.TakesFile)))
            Case(text, 8, group.Select(static v => v.Pattern), $"words={Quote(group.Key.Words)} files={(group.Key.TakesFile ? "1" : "")}");
        text.Append("        *)\n            case \"$command\" in\n");
        foreach (CommandNode c in root.All)
        {
            IEnumerable<string> words = c.Commands.Select(static s => s.Name).Concat(c.Arguments.SelectMany(static a => a.Values)).Concat(c.Options.SelectMany(static o => o.Names));
            Case(text, 16, [$"{(Key(c).Length == 0 ? "\"\"" : Key(c))}"], $"words={Quote(string.Join(' ', words))} files={(c.Arguments.Any(static a => a.TakesFile) ? "1" : "")}");
        }

        text.Append(
            $$"""
                        esac
                        ;;
                esac
                mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur"; [[ $files && $cur != -* ]] && compgen -f -- "$cur")
                [[ $files && $cur != -* ]] && compopt -o filenames 2>/dev/null
                return 0
            }
            complete -F {{function}} {{program}}

            """);
        return text.ToString();
    }

    private static string Key(CommandNode command) => command.Path.Length == 0 ? "" : "/" + command.Path.Replace(' ', '/');

    private static void Case(StringBuilder text, int indent, IEnumerable<string> patterns, string action)
        => text.Append(' ', indent).Append(string.Join('|', patterns)).Append(") ").Append(action).Append(" ;;\n");

    private static string Quote(string words) => $"'{words.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
