using System.Globalization;
using System.Text.Json;

namespace Mergeflow.Cli;

/// <summary>Where the packets of a running switch are; what nobody can say is unexplained, and makes the exit code 1.</summary>
internal static class LedgerText
{
    public static int Write(TextWriter output, SwitchLedger l, bool isJson)
    {
        bool isWhole = l.IsWhole;
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
                json.WriteStartArray("threads");
                foreach (ThreadLedger thread in l.Threads) WriteThread(json, thread);
                json.WriteEndArray();
                json.WriteStartArray("ports");
                foreach (PortLedger port in l.Ports) WritePort(json, port);
                json.WriteEndArray();
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
        WriteThreads(output, l.Threads);
        WritePorts(output, l.Ports);
        return isWhole ? ExitCode.Ok : ExitCode.Failed;
    }

    private static void WriteThreads(TextWriter output, IReadOnlyList<ThreadLedger> threads)
    {
        TextTable table = new(1, "thread", "taken", "made", "carried out", "dropped", "held", "unexplained");
        TextTable causes = new(2, "thread", "dropped by", "packets");
        bool hasCauses = false;
        foreach (ThreadLedger t in threads)
        {
            string name = NameOf(t);
            table.AddRow(name, Number(t.Stats.Rx), Number(t.Stats.Made), Number(t.Stats.Carried), Number(t.Stats.Ended - t.Stats.Carried), Number(t.Held), Signed(t.Unexplained));
            foreach ((string cause, ulong packets) in t.Causes())
            {
                causes.AddRow(name, cause, Number(packets));
                hasCauses = true;
            }
        }

        table.Write(output);
        if (hasCauses) causes.Write(output);
    }

    private static void WritePorts(TextWriter output, IReadOnlyList<PortLedger> ports)
    {
        if (ports.Count == 0) return;
        TextTable table = new(1, "port", "not counted", "lost before", "came in", "taken by threads", "of these dropped", "unexplained", "sent by threads", "left", "lost there", "unexplained", "then lost in the kernel");
        foreach (PortLedger p in ports)
        {
            table.AddRow(
                p.Name, p.Uncounted is { } uncounted ? Signed(uncounted) : "-", Number(p.Counted.RxDropped + p.Counted.RxLostInKernel), Number(p.Received), string.Join(" + ", p.Taken.Select(Number)), Number(p.Dropped),
                Signed(p.UnexplainedIn), Number(p.Sent), Number(p.Left), Number(p.Counted.TxDropped), Signed(p.UnexplainedOut), Number(p.Counted.TxLostInKernel));
        }

        table.Write(output);
    }

    private static void WriteThread(Utf8JsonWriter json, ThreadLedger t)
    {
        json.WriteStartObject();
        json.WriteString("thread", NameOf(t));
        json.WriteNumber("taken", t.Stats.Rx);
        json.WriteNumber("made", t.Stats.Made);
        json.WriteNumber("carried_out", t.Stats.Carried);
        json.WriteNumber("held", t.Held);
        json.WriteNumber("unexplained", t.Unexplained);
        json.WriteStartObject("dropped");
        foreach ((string cause, ulong packets) in t.Causes()) json.WriteNumber(cause, packets);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WritePort(Utf8JsonWriter json, PortLedger p)
    {
        json.WriteStartObject();
        json.WriteString("port", p.Name);
        if (p.Uncounted is { } uncounted) json.WriteNumber("not_counted", uncounted);
        json.WriteNumber("lost_before", p.Counted.RxDropped + p.Counted.RxLostInKernel);
        json.WriteNumber("received", p.Received);
        json.WriteStartArray("taken");
        foreach (ulong taken in p.Taken) json.WriteNumberValue(taken);
        json.WriteEndArray();
        json.WriteNumber("dropped", p.Dropped);
        json.WriteNumber("unexplained_in", p.UnexplainedIn);
        json.WriteNumber("sent", p.Sent);
        json.WriteNumber("left", p.Left);
        json.WriteNumber("lost_at_port", p.Counted.TxDropped);
        json.WriteNumber("unexplained_out", p.UnexplainedOut);
        json.WriteNumber("lost_in_kernel", p.Counted.TxLostInKernel);
        json.WriteEndObject();
    }

    private static string NameOf(ThreadLedger t) => string.Create(CultureInfo.InvariantCulture, $"pmd{t.Thread}");

    private static string Number(ulong value) => value.ToString("N0", CultureInfo.InvariantCulture);

    private static string Signed(long value) => value.ToString("N0", CultureInfo.InvariantCulture);
}
