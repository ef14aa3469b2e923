using System.CommandLine;
using System.Globalization;

namespace Mergeflow.Cli;

/// <summary><c>add-flows</c>, <c>del-flows</c>, <c>add-groups</c>, <c>add-meters</c>: change the rules of a running switch, as <c>ovs-ofctl</c> does. All of a file holds, or nothing does.</summary>
internal static class RuleCommands
{
    public static Command AddFlows() => OfFile(
        "add-flows",
        "Add flows to a running switch; a line may begin with add, modify, modify_strict, delete or delete_strict.",
        static (inside, name, text) => Lines(RuleText.ApplyFlows(inside.Switch, name, text, FlowModCommand.Add, Warner(inside)), "flow"));

    public static Command AddGroups() => OfFile(
        "add-groups",
        "Add groups to a running switch; a line may begin with add, modify, add_or_mod or delete.",
        static (inside, name, text) => Lines(RuleText.ApplyGroups(inside.Switch, name, text), "group"));

    public static Command AddMeters() => OfFile(
        "add-meters",
        "Add meters to a running switch; a line may begin with add, modify or delete.",
        static (inside, name, text) => Lines(RuleText.ApplyMeters(inside.Switch, name, text), "meter"));

    public static Command DeleteFlows()
    {
        Argument<string?> match = new("MATCH") { Description = "Which ones, as ovs-ofctl del-flows takes it; without it all.", Arity = ArgumentArity.ZeroOrOne };
        return LiveCommand.Create(
            "del-flows",
            "Delete flows of a running switch.",
            (inside, parsed) =>
            {
                string text = parsed.GetValue(match) ?? "";
                if (text.Length == 0) inside.Switch.Note(inside.Switch.Datapath.ApplyFlowMods([new FlowMod { Command = FlowModCommand.Delete }], inside.Switch.NowMs));
                else RuleText.ApplyFlows(inside.Switch, "MATCH", text, FlowModCommand.Delete, Warner(inside));
                inside.Switch.Log.Write($"del-flows: {(text.Length == 0 ? "all" : text)}");
                return ExitCode.Ok;
            },
            [match]);
    }

    private static Command OfFile(string name, string description, Func<LiveInvocation, string, string, string> apply)
    {
        Argument<string> file = new("FILE") { Description = "Text, gzip or not; - is standard input." };
        return LiveCommand.Create(
            name,
            description,
            (inside, parsed) =>
            {
                string changed = apply(inside, parsed.GetRequiredValue(file), inside.Attachment);
                inside.Switch.Log.Write($"{name}: {changed}");
                return ExitCode.Ok;
            },
            [file],
            parsed => InputFile.ReadText(parsed.GetRequiredValue(file)));
    }

    private static Action<string> Warner(LiveInvocation inside) => text => inside.Error.WriteLine($"mergeflow: warning: {text}");

    private static string Lines(int count, string what) => string.Create(CultureInfo.InvariantCulture, $"{count} {what}{(count == 1 ? "" : "s")}");
}
