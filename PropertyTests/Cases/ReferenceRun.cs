using System.Globalization;
using F = Mergeflow.PropertyTests.RefField;

namespace Mergeflow.PropertyTests;

/// <summary>Plays a case on the reference model, event by event.</summary>
internal sealed class ReferenceRun
{
    private readonly List<IReadOnlyList<string>> _outputs = [];
    private readonly HashSet<uint> _missingPorts = [];
    private int _ambiguousFrom = int.MaxValue;

    public ReferenceRun(FuzzCase @case)
    {
        Model = new ReferenceSwitch([.. @case.Ports], new ReferenceConntrack(@case.ChecksSequence)) { DamagesLaterFragments = true };
        foreach (GroupMod group in @case.ParseGroups()) Model.Tables.Apply(group);
        foreach (FlowMod flow in @case.ParseFlows()) Model.Tables.Apply(flow);
    }

    public ReferenceSwitch Model { get; }

    public RunStatistics Statistics { get; } = new();

    /// <summary>Why Open vSwitch itself would not be sure; null = it is.</summary>
    public string? Ambiguity
        => Model.Conntrack.Ambiguity ?? (Model.Conntrack.HeldFragment ? "held fragment"
            : Model.TooDeep ? "too many passes" : Model.OverwritesNat ? "a translated address is written over" : null);

    public static RunResult Play(FuzzCase @case)
    {
        var run = new ReferenceRun(@case);
        foreach (FuzzEvent e in @case.Events) run.Step(e);
        return run.Finish();
    }

    /// <summary>Plays one event and returns what left.</summary>
    public IReadOnlyList<(uint Port, byte[] Frame)> Step(FuzzEvent e)
    {
        Model.NowMs = e.TimeMs;
        IReadOnlyList<(uint Port, byte[] Frame)> sent = [];
        switch (e.Op)
        {
            case FuzzOp.Packet:
                sent = [.. Model.Receive(e.Port, e.Frame).Where(o => !_missingPorts.Contains(o.Port))];
                Classify(e.Frame, sent.Count);
                break;
            case FuzzOp.FlowMods:
                foreach (string line in e.Lines) Model.Tables.Apply(FuzzCase.Parser.ParseFlow(line));
                break;
            case FuzzOp.GroupMod:
                Model.Tables.Apply(FuzzCase.Parser.ParseGroup(e.Lines[0]));
                break;
            case FuzzOp.PortDown:
                _missingPorts.Add(e.Port);
                break;
            case FuzzOp.PortUp:
                _missingPorts.Remove(e.Port);
                break;
            case FuzzOp.FlushConntrack:
                Model.Conntrack.Flush(e.Zone);
                break;
        }

        _outputs.Add(RecordedCase.PerPort(sent.Select(o => (o.Port, Convert.ToHexStringLower(o.Frame)))));
        if (Ambiguity is not null && _ambiguousFrom == int.MaxValue) _ambiguousFrom = _outputs.Count - 1;
        return sent;
    }

    public RunResult Finish()
    {
        foreach ((int state, int count) in Model.StatesSeen)
        {
            string name = (state & RefCtBits.Inv) != 0 ? "+inv" : (state & RefCtBits.Rel) != 0 ? "+rel" : (state & RefCtBits.Est) != 0 ? "+est"
                : (state & RefCtBits.New) != 0 ? "+new" : "other";
            Statistics.Add($"pass with {name}", count);
            if ((state & RefCtBits.AnyNat) != 0) Statistics.Add("pass translated", count);
        }

        return new RunResult
        {
            Outputs = _outputs,
            Rules = RunResult.ByCookie(Model.Tables.Rules.Select(r => (r.Cookie, r.Packets, r.Bytes))),
            Connections = Model.Conntrack.Connections(Model.NowMs).ToDictionary(Show, c => (c.ExpiryMs - Model.NowMs) / 1000),
            Ambiguity = Ambiguity,
            AmbiguousFrom = _ambiguousFrom,
            Statistics = Statistics,
        };
    }

    private void Classify(byte[] frame, int outputs)
    {
        RefFlow f = ReferenceParser.Parse(frame).Flow;
        Statistics.Add("packets");
        Statistics.Add(f.IsIpv4 ? "IPv4" : f.IsIpv6 ? "IPv6" : f.IsArp ? "ARP" : "other L3");
        if (f.IsIp) Statistics.Add(f.U(F.Proto) switch { 6 => "TCP", 17 => "UDP", 1 or 58 => "ICMP", 0 => "malformed IP", _ => "other L4" });
        if (f.HasTag) Statistics.Add("VLAN");
        if (f.U(F.Frag) != 0) Statistics.Add("fragment");
        Statistics.Add(outputs == 0 ? "dropped" : "forwarded");
    }

    private static string Show(RefConn c)
        => string.Create(CultureInfo.InvariantCulture, $"{c.Forward.Proto} zone={c.Forward.Zone} mark={c.Mark} label={c.Label} {State(c)} {Show(c.Forward)} / {Show(c.Reply)}");

    private static string Show(RefKey k)
        => string.Create(CultureInfo.InvariantCulture, $"{k.Src.Address}:{k.Src.Port}:{k.Src.IcmpType}>{k.Dst.Address}:{(k.HasPorts ? k.Dst.Port : 0)}");

    /// <summary>The state that a dump shows: the further one of both ends.</summary>
    private static string State(RefConn c)
    {
        if (c.Forward.Proto != 6) return "-";
        RefTcpState s = (RefTcpState)Math.Max((int)c.Peers[0].State, (int)c.Peers[1].State);
        return s switch
        {
            RefTcpState.FinWait2 => "TIME_WAIT",
            RefTcpState.SynRecv => "ESTABLISHED",
            RefTcpState.SynSent => "SYN_SENT",
            RefTcpState.TimeWait => "TIME_WAIT",
            RefTcpState.Closed => "CLOSED",
            _ => s.ToString().ToUpperInvariant(),
        };
    }
}
