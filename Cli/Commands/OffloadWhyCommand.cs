using System.CommandLine;
using System.Globalization;

namespace Mergeflow.Cli;

/// <summary><c>mergeflow offload why</c>: from each reason to its flows and to what would help.</summary>
internal static class OffloadWhyCommand
{
    private const int DefaultTop = 5;

    public static Command Create(CancellationToken interrupted)
    {
        Argument<string?> reason = new("REASON") { Description = "One reason, as offload stats names it; default: every reason that occurred.", HelpName = "REASON", Arity = ArgumentArity.ZeroOrOne };
        reason.CompletionSources.Add([.. Enum.GetNames<OffloadReason>().Skip(1)]);
        NumberOption<int> top = new("--top") { HelpName = "N", Description = "Flows per reason, the heaviest first.", DefaultValueFactory = _ => DefaultTop };
        Command command = ShowCommand.Create("why", "Replay, then say per reason what it cost, in plain words, what would help, and which flows it met.", interrupted, context => Show(context, reason, top), top);
        command.Arguments.Add(reason);
        command.Validators.Add(result =>
        {
            if (result.GetValue(reason) is string text && Parse(text) is null) result.AddError($"REASON: '{text}' is none of {string.Join(", ", Enum.GetNames<OffloadReason>().Skip(1))}");
            if (result.GetResult(top) is { } given && !given.Errors.Any() && result.GetValue(top) < 0) result.AddError("--top: expected 0 or more");
        });
        return command;
    }

    private static int Show(ShowContext context, Argument<string?> argument, NumberOption<int> top)
    {
        OffloadThread offload = context.RequireOffload();
        OffloadShares shares = offload.Report.Shares(context.Received);
        OffloadReason? only = context.Parsed.GetValue(argument) is string text ? Parse(text) : null;
        (OffloadReason Reason, BookTotals Lost)[] refused = [.. shares.Refused.Append((OffloadReason.AlreadyOffloaded, shares.Waiting)).Where(r => r.Item2.Packets > 0 && (only is null || r.Item1 == only))];
        if (!context.IsJson) context.Output.WriteLine(ShareTable.Summary(shares));
        foreach ((OffloadReason reason, BookTotals lost) in refused) Write(context, shares, reason, lost, context.Parsed.GetValue(top));
        if (refused.Length > 0) return ExitCode.Ok;
        if (!context.IsJson) context.Output.WriteLine(only is null ? "every packet took a merged rule or made one" : $"no packet was refused for {only}");
        return only is null ? ExitCode.Ok : ExitCode.NotSeen;
    }

    private static void Write(ShowContext context, OffloadShares shares, OffloadReason reason, BookTotals lost, int top)
    {
        (FlowFate Flow, FlowReason Reason)[] flows = [.. (context.Fates?.Flows ?? [])
            .SelectMany(f => f.Reasons.Where(r => r.Reason == reason).Select(r => (f, r))).OrderByDescending(static x => x.r.Lost.Bytes).ThenBy(static x => x.f.Text, StringComparer.Ordinal)];
        string? detail = flows.GroupBy(static f => f.Reason.Detail).OrderByDescending(static g => g.Sum(static f => (double)f.Reason.Lost.Bytes)).FirstOrDefault()?.Key;
        (FlowFate Flow, FlowReason Reason)[] shown = [.. flows.Take(top)];
        if (context.IsJson)
        {
            context.WriteJson(json =>
            {
                json.WriteString("reason", reason.ToString());
                json.WriteNumber("packets", lost.Packets);
                json.WriteNumber("bytes", lost.Bytes);
                json.WriteString("because", ReasonText.Sentence(reason));
                json.WriteString("helps", ReasonText.Hint(reason, detail));
                json.WriteNumber("flows", flows.Length);
                json.WriteStartArray("heaviest");
                foreach ((FlowFate flow, FlowReason r) in shown)
                {
                    json.WriteStartObject();
                    json.WriteString("flow", flow.Text);
                    json.WriteNumber("packets", r.Lost.Packets);
                    json.WriteNumber("bytes", r.Lost.Bytes);
                    json.WriteNumber("pass", r.Pass);
                    if (r.Detail is not null) json.WriteString("detail", r.Detail);
                    json.WriteEndObject();
                }

                json.WriteEndArray();
            });
            return;
        }

        (string packets, string bytes) = ShareTable.PercentOf(shares, reason == OffloadReason.AlreadyOffloaded ? ShareTable.Waiting : reason.ToString());
        context.Output.WriteLine();
        context.Output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{reason}: {lost.Packets:N0} packets ({packets} %), {lost.Bytes:N0} bytes ({bytes} %), {flows.Length:N0} flows"));
        context.Output.WriteLine($"  {ReasonText.Sentence(reason)}");
        context.Output.WriteLine($"  What helps: {ReasonText.Hint(reason, detail)}");
        if (shown.Length == 0) return;
        TextTable table = new(1, shown.Length < flows.Length ? string.Create(CultureInfo.InvariantCulture, $"heaviest {shown.Length} of {flows.Length:N0} flows") : "flows", "packets", "bytes", "pass", "about") { TextHeaders = ["about"] };
        foreach ((FlowFate flow, FlowReason r) in shown) table.AddRow(flow.Text, Number(r.Lost.Packets), Number(r.Lost.Bytes), r.Pass < 0 ? "-" : Number((ulong)r.Pass), r.Detail ?? "");
        table.Write(context.Output);
    }

    private static OffloadReason? Parse(string text) => Enum.TryParse(text, ignoreCase: true, out OffloadReason reason) && Enum.IsDefined(reason) && reason != OffloadReason.None && !char.IsDigit(text[0]) ? reason : null;

    private static string Number(ulong value) => value.ToString("N0", CultureInfo.InvariantCulture);
}
