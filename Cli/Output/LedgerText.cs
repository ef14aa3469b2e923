using System.Globalization;

namespace Mergeflow.Cli;

/// <summary>Where the packets of a running switch are; what nobody can say is unexplained, and makes the exit code 1.</summary>
internal static class LedgerText
{
    public static int Write(TextWriter output, SwitchLedger l, bool isJson)
    {
        bool isWhole = l is { UnexplainedIn: 0, UnexplainedOut: 0 };
        if (isJson)
        {
            ShowContext.WriteJson(output, json =>
            {
                json.WriteNumber("received", l.Received);
                json.WriteNumber("taken", l.Taken);
                json.WriteNumber("lost_before", l.LostBefore);
                json.WriteNumber("held", l.Held);
                json.WriteNumber("sent", l.Sent);
                json.WriteNumber("left", l.Left);
                json.WriteNumber("lost_at_ports", l.LostAtPorts);
                json.WriteNumber("no_port", l.NoPort);
                json.WriteNumber("unexplained_in", l.UnexplainedIn);
                json.WriteNumber("unexplained_out", l.UnexplainedOut);
            });
            return isWhole ? ExitCode.Ok : ExitCode.Failed;
        }

        TextTable table = new(1, "packets", "count");
        table.AddRow("lost before they came in, by a cause that ports tells", Number(l.LostBefore));
        table.AddRow("came in by ports", Number(l.Received));
        table.AddRow("- taken by packet threads", Number(l.Taken));
        table.AddRow("- unexplained", Signed(l.UnexplainedIn));
        table.AddRow("held", Number(l.Held));
        table.AddRow("sent by packet threads", Number(l.Sent));
        table.AddRow("- left by ports", Number(l.Left));
        table.AddRow("- lost at ports, by a cause that ports tells", Number(l.LostAtPorts));
        table.AddRow("- to ports that are not there", Number(l.NoPort));
        table.AddRow("- unexplained", Signed(l.UnexplainedOut));
        table.Write(output);
        return isWhole ? ExitCode.Ok : ExitCode.Failed;
    }

    private static string Number(ulong value) => value.ToString("N0", CultureInfo.InvariantCulture);

    private static string Signed(long value) => value.ToString("N0", CultureInfo.InvariantCulture);
}
