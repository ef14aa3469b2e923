using System.Text;

namespace Mergeflow.Cli;

/// <summary>Completion for fish: a line per option and command, with the command that it belongs to as its condition.</summary>
internal static class FishCompletion
{
    public static string Write(string program, CommandNode root)
    {
        string at = $"_{CompletionCommand.FunctionOf(program)}_at";
        StringBuilder text = new();
        text.Append(
            $$"""
            # fish completion for {{program}}, written by "{{program}} completion fish"
            function {{at}}
                set -l path
                set -l words (commandline -opc)
                for word in $words[2..-1]
                    switch "$path/$word"
                        case {{string.Join(' ', root.All.Skip(1).Select(static c => $"'/{c.Path.Replace(' ', '/')}'"))}}
                            set path "$path/$word"
                    end
                end
                test "$path" = "$argv[1]"
            end
            complete -c {{program}} -f

            """);
        foreach (CommandNode command in root.All)
        {
            string condition = $"complete -c {program} -n '{at} {(command.Path.Length == 0 ? "\"\"" : "/" + command.Path.Replace(' ', '/'))}'";
            foreach (CommandNode c in command.Commands) text.Append($"{condition} -a {c.Name} -d {Quote(c.Description)}\n");
            foreach (ValueNode argument in command.Arguments) text.Append($"{condition}{(argument.TakesFile ? " -F" : "")} -a {Quote(string.Join(' ', argument.Values))} -d {Quote(argument.Description)}\n");
            foreach (OptionNode option in command.Options)
            {
                text.Append(condition);
                foreach (string name in option.Names) text.Append(name.StartsWith("--", StringComparison.Ordinal) ? $" -l {name[2..]}" : name.Length == 2 ? $" -s {Quote(name[1..])}" : $" -o {name[1..]}");
                if (option.Value is { } value) text.Append($" -r{(value.TakesFile ? " -F" : " -f")}{(value.Values.Count > 0 ? $" -a {Quote(string.Join(' ', value.Values))}" : "")}");
                text.Append($" -d {Quote(option.Description)}\n");
            }
        }

        return text.ToString();
    }

    private static string Quote(string text) => $"'{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "\\'", StringComparison.Ordinal)}'";
}
