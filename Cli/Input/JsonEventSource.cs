using System.Text.Json;

namespace Mergeflow.Cli;

/// <summary>Events from JSON lines: <c>{"i":0,"t":0,"op":"pkt","port":1,"hex":"0200.."}</c> and the other operations.</summary>
/// <remarks>Unknown members are ignored; an unknown <c>op</c>, a missing member, a wrong type, a port that does not exist and a clock that runs backwards are errors.</remarks>
public sealed class JsonEventSource : IEventSource
{
    private const long NsPerMs = 1_000_000;

    private readonly LineReader _lines;
    private readonly IReadOnlySet<uint> _ports;
    private long _lastTimeMs;

    /// <param name="lines">Owned.</param>
    /// <param name="ports">OpenFlow ports that exist.</param>
    public JsonEventSource(LineReader lines, IReadOnlySet<uint> ports) => (_lines, _ports) = (lines, ports);

    public string Name => _lines.Name;

    public bool TryRead(ReplayEvent next)
    {
        ReadOnlySpan<byte> line;
        do
        {
            if (!_lines.TryRead(out line)) return false;
        }
        while (line.Trim(" \t"u8).IsEmpty);

        next.LineNumber = _lines.LineNumber;
        JsonLine json = new(line, Name, _lines.LineNumber);
        Parse(ref json, next);
        if (next.TimeMs < _lastTimeMs) json.Throw($"\"t\" goes backwards, from {_lastTimeMs} to {next.TimeMs}");
        _lastTimeMs = next.TimeMs;
        next.TimestampNs = Math.Min(next.TimeMs, long.MaxValue / NsPerMs) * NsPerMs;
        return true;
    }

    public void Dispose() => _lines.Dispose();

    private void Parse(ref JsonLine json, ReplayEvent next)
    {
        bool hasIndex = false, hasTime = false, hasPort = false, hasHex = false, hasLines = false, hasLine = false;
        next.Op = ReplayOp.Packet;
        next.Zone = null;
        next.Lines.Clear();
        json.StartObject();
        while (json.NextMember())
        {
            if (json.Is("i"u8)) (next.Index, hasIndex) = (json.Integer("i", long.MinValue, long.MaxValue), true);
            else if (json.Is("t"u8)) (next.TimeMs, hasTime) = (json.Integer("t", 0, long.MaxValue / 2), true);
            else if (json.Is("op"u8)) next.Op = Op(ref json);
            else if (json.Is("port"u8)) (next.Port, hasPort) = ((uint)json.Integer("port", 0, uint.MaxValue), true);
            else if (json.Is("hex"u8)) (next.FrameSizeBytes, hasHex) = (json.Hex("hex", next), true);
            else if (json.Is("lines"u8)) (hasLines, _) = (true, json.Strings("lines", next.Lines));
            else if (json.Is("line"u8))
            {
                next.Lines.Clear();
                next.Lines.Add(json.Text("line"));
                hasLine = true;
            }
            else if (json.Is("zone"u8)) next.Zone = (ushort)json.Integer("zone", 0, ushort.MaxValue);
            else json.SkipValue();
        }
        json.End();
        json.Require(hasIndex, "i");
        json.Require(hasTime, "t");
        bool needsPort = next.Op is ReplayOp.Packet or ReplayOp.PortDown or ReplayOp.PortUp or ReplayOp.PortDelete or ReplayOp.PortAdd;
        json.Require(!needsPort || hasPort, "port");
        json.Require(next.Op != ReplayOp.Packet || hasHex, "hex");
        json.Require(next.Op is not (ReplayOp.FlowMods or ReplayOp.CtSetLimits or ReplayOp.CtDelLimits) || hasLines, "lines");
        json.Require(next.Op != ReplayOp.GroupMod || hasLine, "line");
        json.Require(next.Op != ReplayOp.MeterMods || hasLine || hasLines, "lines");
        if (needsPort && !_ports.Contains(next.Port)) json.Throw($"port {next.Port} does not exist");
    }

    private static ReplayOp Op(ref JsonLine json)
    {
        string op = json.Text("op");
        switch (op)
        {
            case "pkt": return ReplayOp.Packet;
            case "flow_mods": return ReplayOp.FlowMods;
            case "group_mods": return ReplayOp.GroupMod;
            case "meter_mods": return ReplayOp.MeterMods;
            case "ct_flush": return ReplayOp.CtFlush;
            case "ct_set_limits": return ReplayOp.CtSetLimits;
            case "ct_del_limits": return ReplayOp.CtDelLimits;
            case "purge": return ReplayOp.Purge;
            case "tick": return ReplayOp.Tick;
            case "port_down": return ReplayOp.PortDown;
            case "port_up": return ReplayOp.PortUp;
            case "port_del": return ReplayOp.PortDelete;
            case "port_add": return ReplayOp.PortAdd;
            default:
                json.Throw($"unknown op {CliJson.Quote(op)}; expected pkt, flow_mods, group_mods, meter_mods, ct_flush, ct_set_limits, ct_del_limits, port_down, port_up, port_del, port_add, purge or tick");
                return default;
        }
    }
}
