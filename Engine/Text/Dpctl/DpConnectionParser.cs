using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.Text;

/// <summary>Reads connections as <c>ovs-appctl dpctl/dump-conntrack [-m] [-s]</c> prints them (OVS <c>ct_dpif_format_entry</c>).</summary>
public static class DpConnectionParser
{
    private static readonly Dictionary<string, byte> s_protocols = new(StringComparer.Ordinal)
    {
        ["icmp"] = 1,
        ["igmp"] = 2,
        ["tcp"] = 6,
        ["udp"] = 17,
        ["dccp"] = 33,
        ["icmpv6"] = 58,
        ["sctp"] = 132,
        ["udplite"] = 136,
    };

    /// <summary>All connections of a dump; blank lines and lines that do not begin with a protocol are skipped.</summary>
    /// <exception cref="FlowTextException">A connection cannot be read.</exception>
    public static IReadOnlyList<DpConnection> Parse(string text)
    {
        List<DpConnection> connections = [];
        int number = 0;
        using var lines = new StringReader(text);
        while (lines.ReadLine() is { } line)
        {
            number++;
            TextPiece piece = TextPiece.Whole(line, number).Trim();
            int comma = piece.Span.IndexOf(',');
            if (comma < 0 || !TryProtocol(piece.Slice(0, comma).ToString(), out byte proto))
            {
                if (piece.Span.Contains("orig=(", StringComparison.Ordinal)) piece.Fail("expected a protocol and `,'");
                continue;
            }

            connections.Add(Connection(piece, comma + 1, proto));
        }

        return connections;
    }

    private static bool TryProtocol(string text, out byte proto) => s_protocols.TryGetValue(text, out proto) || byte.TryParse(text, out proto);

    private static DpConnection Connection(TextPiece line, int at, byte proto)
    {
        DpTuple? orig = null, reply = null;
        UInt128 zone = 0, mark = 0, label = 0;
        string? state = null;
        bool hasHelper = false;
        foreach ((TextPiece name, TextPiece value) in Members(line.Slice(at)))
        {
            switch (name.ToString())
            {
                case "orig": orig = Tuple(value); break;
                case "reply": reply = Tuple(value); break;
                case "zone": zone = Number(value, ushort.MaxValue); break;
                case "mark": mark = Number(value, uint.MaxValue); break;
                case "labels": label = Number(value, UInt128.MaxValue); break;
                case "helper": hasHelper = true; break;
                case "protoinfo": state = StateOf(value); break;
                case "id" or "timeout" or "status" or "start" or "stop" or "parent" or "master": break;
                default: name.Fail($"`{name}': unknown member of a connection"); break;
            }
        }

        return new DpConnection
        {
            Line = line.Line,
            Proto = proto,
            Orig = orig ?? throw line.Error("expected `orig=('"),
            Reply = reply ?? throw line.Error("expected `reply=('"),
            Zone = (ushort)zone,
            Mark = (uint)mark,
            Label = label,
            State = state,
            HasHelper = hasHelper,
        };
    }

    /// <summary><c>NAME=VALUE</c> between commas; a value may be in parentheses.</summary>
    private static List<(TextPiece Name, TextPiece Value)> Members(TextPiece text)
    {
        List<(TextPiece, TextPiece)> members = [];
        while (!text.IsEmpty)
        {
            int equals = text.Span.IndexOf('=');
            if (equals <= 0) text.Fail($"`{text}': expected NAME=VALUE");
            TextPiece name = text.Slice(0, equals), rest = text.Slice(equals + 1);
            bool nested = !rest.IsEmpty && rest.Span[0] == '(';
            int end = rest.Span.IndexOf(nested ? ')' : ',');
            if (nested && end < 0) rest.Fail("missing `)'");
            if (end < 0) end = rest.Length;
            members.Add((name, nested ? rest.Slice(1, end - 1) : rest.Slice(0, end)));
            text = rest.Slice(Math.Min(rest.Length, nested ? end + 1 : end));
            if (text.IsEmpty) break;
            if (text.Span[0] != ',') text.Fail($"`{text}': expected `,'");
            text = text.Slice(1);
        }

        return members;
    }

    private static DpTuple Tuple(TextPiece text)
    {
        UInt128 src = 0, dst = 0, srcPort = 0, dstPort = 0;
        bool isIpv6 = false;
        foreach ((TextPiece name, TextPiece value) in Members(text))
        {
            switch (name.ToString())
            {
                case "src" or "dst":
                    isIpv6 = value.Span.Contains(':');
                    (UInt128 address, _) = AddressText.Masked(value, isIpv6 ? FieldFormat.Ipv6 : FieldFormat.Ipv4);
                    if (name.Is("src")) src = address;
                    else dst = address;
                    break;
                case "sport" or "id": srcPort = Number(value, ushort.MaxValue); break;
                case "dport": dstPort = Number(value, ushort.MaxValue); break;
                case "type" or "code" or "packets" or "bytes": break;
                default: name.Fail($"`{name}': unknown member of a tuple"); break;
            }
        }

        return new DpTuple(isIpv6, src, dst, (ushort)srcPort, (ushort)dstPort);
    }

    /// <summary>One state, or the less advanced one of both sides.</summary>
    private static string? StateOf(TextPiece text)
    {
        string? state = null;
        foreach ((TextPiece name, TextPiece value) in Members(text))
        {
            if (!name.Span.StartsWith("state")) continue;
            if (state is null or "ESTABLISHED") state = value.ToString();
        }

        return state;
    }

    private static UInt128 Number(TextPiece text, UInt128 max)
    {
        if (!NumberText.TryParse(text.Span, max, out UInt128 value)) text.Fail($"`{text}': expected a number up to 0x{max:x}");
        return value;
    }
}
