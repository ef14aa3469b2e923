using System.Text;

namespace Mergeflow.Cli;

/// <summary>Completion for zsh: a function per command, each an <c>_arguments</c>.</summary>
internal static class ZshCompletion
{
    public static string Write(string program, CommandNode root)
    {
        StringBuilder text = new();
        text.Append($"#compdef {program}\n# zsh completion for {program}, written by \"{program} completion zsh\"\n");
        foreach (CommandNode command in root.All.Reverse()) Function(text, program, command);
        string function = Name(program, root);

        // Autoloaded the file is the function's body; sourced it only defines it.
        text.Append($"if [[ $zsh_eval_context[-1] == loadautofunc ]]; then\n    {function} \"$@\"\nelse\n    compdef {function} {program}\nfi\n");
        return text.ToString();
    }

    private static void Function(StringBuilder text, string program, CommandNode command)
    {
        text.Append($"{Name(program, command)}() {{\n    local curcontext=\"$curcontext\" state line\n    _arguments -C");
        foreach (OptionNode option in command.Options) Option(text, option);
        if (command.Commands.Count > 0)
        {
            string names = string.Join(' ', command.Commands.Select(static c => $"{c.Name}\\:{Quote(c.Description, inner: true)}"));
            text.Append($" \\\n        '1:command:(({names}))' \\\n        '*::argument:->rest'\n    [[ $state == rest ]] || return\n    case $line[1] in\n");
            foreach (CommandNode c in command.Commands) text.Append($"        {c.Name}) {Name(program, c)} ;;\n");
            text.Append("    esac\n}\n\n");
            return;
        }

        foreach (ValueNode argument in command.Arguments) text.Append($" \\\n        '{(argument.Repeats ? "*" : "")}{(argument.IsRequired ? "" : ":")}:{Escape(argument.Name)}:{Action(argument)}'");
        text.Append("\n}\n\n");
    }

    private static void Option(StringBuilder text, OptionNode option)
    {
        string repeats = option.Value is { Repeats: true } ? "*" : "";
        string value = option.Value is { } v ? $":{Escape(v.Name)}:{Action(v)}" : "";
        string others = option.Names.Count > 1 && repeats.Length == 0 ? $"({string.Join(' ', option.Names)})" : "";
        foreach (string name in option.Names) text.Append($" \\\n        '{others}{repeats}{name}[{Escape(option.Description)}]{value}'");
    }

    private static string Action(ValueNode value)
    {
        string words = string.Join(' ', value.Values);
        if (value.Values.Count == 0) return value.TakesFile ? "_files" : " ";
        return value.TakesFile ? $"{{compadd {words}; _files}}" : $"({words})";
    }

    private static string Name(string program, CommandNode command)
        => CompletionCommand.FunctionOf(program) + (command.Path.Length == 0 ? "" : "_" + command.Path.Replace(' ', '_').Replace('-', '_'));

    private static string Escape(string text)
        => text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("[", "\\[", StringComparison.Ordinal).Replace("]", "\\]", StringComparison.Ordinal)
            .Replace(":", "\\:", StringComparison.Ordinal).Replace("'", "'\\''", StringComparison.Ordinal);

    private static string Quote(string text, bool inner)
        => $"\"{Escape(inner ? text.Replace("\"", "", StringComparison.Ordinal).Replace("$", "", StringComparison.Ordinal).Replace("`", "", StringComparison.Ordinal) : text)}\"";
}
