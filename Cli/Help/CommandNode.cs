using System.CommandLine;
using System.CommandLine.Completions;

namespace Mergeflow.Cli;

/// <summary>A command as completion and manual see it.</summary>
/// <param name="Path">Its name and those of the commands that it stands under, without the program's; the program itself is empty.</param>
/// <param name="Description">One sentence.</param>
/// <param name="Options">Options, <c>--help</c> among them.</param>
/// <param name="Arguments">Values without a name in front.</param>
/// <param name="Commands">Commands under it.</param>
internal sealed record CommandNode(string Path, string Description, IReadOnlyList<OptionNode> Options, IReadOnlyList<ValueNode> Arguments, IReadOnlyList<CommandNode> Commands)
{
    /// <summary>Its own name.</summary>
    public string Name => Path[(Path.LastIndexOf(' ') + 1)..];

    /// <summary>This command and all under it.</summary>
    public IEnumerable<CommandNode> All => [this, .. Commands.SelectMany(static c => c.All)];

    /// <summary>Reads a command and all under it.</summary>
    public static CommandNode Of(Command command) => Of(command, inherited: []);

    /// <summary>See <see cref="Path"/>.</summary>
    public static string PathOf(Command command)
    {
        Stack<string> names = [];
        for (Command? at = command; at?.Parents.OfType<Command>().FirstOrDefault() is { } above; at = above) names.Push(at.Name);
        return string.Join(' ', names);
    }

    private static CommandNode Of(Command command, IReadOnlyList<Option> inherited)
    {
        Option[] own = [.. command.Options.Where(static o => !o.Hidden)];
        return new CommandNode(
            PathOf(command),
            command.Description ?? "",
            [.. own.Concat(inherited).Select(OptionNode.Of)],
            [.. command.Arguments.Where(static a => !a.Hidden).Select(static a => new ValueNode(a.Name, a.Description ?? "", ValueNode.ValuesOf(a), TakesFile: !ValueNode.ValuesOf(a).Any(), IsRequired: a.Arity.MinimumNumberOfValues > 0, Repeats: a.Arity.MaximumNumberOfValues > 1))],
            [.. command.Subcommands.Where(static c => !c.Hidden).Select(c => Of(c, [.. own.Concat(inherited).Where(static o => o.Recursive)]))]);
    }
}

/// <summary>An option.</summary>
/// <param name="Names">As they are typed, the longest first.</param>
/// <param name="Description">What it does.</param>
/// <param name="Value">What stands behind it; null = nothing.</param>
/// <param name="Default">What holds without it; empty = nothing to say.</param>
internal sealed record OptionNode(IReadOnlyList<string> Names, string Description, ValueNode? Value, string Default)
{
    public static OptionNode Of(Option option)
    {
        string[] names = [.. option.Aliases.Append(option.Name).Where(static n => n[0] == '-' && n != "-?").Distinct().OrderByDescending(static n => n.Length)];
        if (option.Arity.MaximumNumberOfValues == 0 || option.ValueType == typeof(bool) || option.ValueType == typeof(void)) return new OptionNode(names, option.Description ?? "", null, "");
        string name = option.HelpName ?? "VALUE";
        IReadOnlyList<string> values = ValueNode.ValuesOf(option);
        bool takesFile = name.Contains("FILE", StringComparison.Ordinal) || name is "DIR" or "DUMP";
        string standard = option.HasDefaultValue ? Convert.ToString(option.GetDefaultValue(), System.Globalization.CultureInfo.InvariantCulture) ?? "" : "";
        return new OptionNode(names, option.Description ?? "", new ValueNode(name, "", values, takesFile, IsRequired: true, Repeats: option.Arity.MaximumNumberOfValues > 1), option.ValueType.IsArray ? "" : standard);
    }
}

/// <summary>A value of an option or of a command.</summary>
/// <param name="Name">As the help prints it.</param>
/// <param name="Description">What it is; empty for the value of an option.</param>
/// <param name="Values">What it can be, as far as that is known.</param>
/// <param name="TakesFile">Names of files are values.</param>
/// <param name="IsRequired">It may not be left out.</param>
/// <param name="Repeats">It may be given more than once.</param>
internal sealed record ValueNode(string Name, string Description, IReadOnlyList<string> Values, bool TakesFile, bool IsRequired, bool Repeats)
{
    public static IReadOnlyList<string> ValuesOf(Symbol symbol) => [.. symbol.GetCompletions(CompletionContext.Empty).Select(static c => c.Label).Distinct()];
}
