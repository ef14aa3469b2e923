using System.Globalization;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;

namespace Mergeflow.Engine.Text;

/// <summary>One flow line (OVS <c>parse_ofp_str__</c>).</summary>
public sealed partial class FlowTextParser
{
    private static readonly string[] s_flowCommands = ["add", "delete", "delete_strict", "modify", "modify_strict"];

    private static readonly Dictionary<string, (ushort EthType, byte IpProto)> s_protocols = new()
    {
        ["ip"] = (EthType.Ip, 0),
        ["ipv4"] = (EthType.Ip, 0),
        ["ip4"] = (EthType.Ip, 0),
        ["arp"] = (EthType.Arp, 0),
        ["icmp"] = (EthType.Ip, IpProto.Icmp),
        ["tcp"] = (EthType.Ip, IpProto.Tcp),
        ["udp"] = (EthType.Ip, IpProto.Udp),
        ["sctp"] = (EthType.Ip, IpProto.Sctp),
        ["ipv6"] = (EthType.Ipv6, 0),
        ["ip6"] = (EthType.Ipv6, 0),
        ["icmp6"] = (EthType.Ipv6, IpProto.Icmpv6),
        ["tcp6"] = (EthType.Ipv6, IpProto.Tcp),
        ["udp6"] = (EthType.Ipv6, IpProto.Udp),
        ["sctp6"] = (EthType.Ipv6, IpProto.Sctp),
        ["rarp"] = (EthType.Rarp, 0),
        ["mpls"] = (EthType.Mpls, 0),
        ["mplsm"] = (EthType.MplsMcast, 0),
    };

    /// <summary>What a word like <c>tcp</c> says of a packet; null = it is no such word.</summary>
    internal static (ushort EthType, byte IpProto)? ProtocolOf(string name) => s_protocols.TryGetValue(name, out (ushort, byte) protocol) ? protocol : null;

    private FlowMod ParseFlow(TextPiece line, FlowModCommand command)
    {
        command = TakeCommand(ref line, s_flowCommands) switch
        {
            0 => FlowModCommand.Add,
            1 => FlowModCommand.Delete,
            2 => FlowModCommand.DeleteStrict,
            3 => FlowModCommand.Modify,
            4 => FlowModCommand.ModifyStrict,
            _ => command,
        };

        bool isDelete = command is FlowModCommand.Delete or FlowModCommand.DeleteStrict;
        TextPiece matchText = line, actionText = line.Slice(line.Length);
        if (!isDelete) (matchText, actionText) = SplitActions(line);

        var head = new FlowHead { Command = command };
        var match = default(Match);
        var reader = new KeyValueReader(matchText);
        while (reader.Next(out TextPiece key, out TextPiece value)) ParseFlowItem(ref head, ref match, key, value);

        // The switch checks actions against what the user wrote; it keeps what survives normalization.
        var actions = EquatableList<OfAction>.Empty;
        if (!isDelete)
        {
            var check = new ActionCheckState(ref match, head.Table);
            actions = new ActionTextParser(_ports, check, TakesLayers).ParseInstructions(actionText);
        }

        if (!MatchNormalizer.Normalize(ref match, matchText.Trim()))
        {
            _warn?.Invoke($"line {line.Line}: normalization changed ofp_match: fields of \"{matchText.Trim()}\" without their prerequisites match anything");
        }

        bool isModify = command is FlowModCommand.Modify or FlowModCommand.ModifyStrict;
        return new FlowMod
        {
            Command = command,
            Table = head.Table,
            Priority = head.Priority,
            Cookie = isModify || isDelete ? head.CookieMask != 0 ? head.Cookie & head.CookieMask : head.NewCookie ?? 0 : head.NewCookie ?? 0,
            CookieMask = head.CookieMask,
            NewCookie = head.NewCookie,
            IdleTimeoutSeconds = head.IdleTimeoutSeconds,
            HardTimeoutSeconds = head.HardTimeoutSeconds,
            Importance = head.Importance,
            Flags = head.Flags,
            OutPort = head.OutPort,
            OutGroup = head.OutGroup,
            Match = match,
            Actions = actions,
        };
    }

    /// <summary>Everything from the word <c>action</c> on, behind its <c>=</c> (OVS <c>ofp_extract_actions</c>).</summary>
    private static (TextPiece Match, TextPiece Actions) SplitActions(TextPiece line)
    {
        int at = line.Span.IndexOf("action");
        int equals = at < 0 ? -1 : line.Span[at..].IndexOf('=');
        if (equals < 0) line.Slice(at < 0 ? line.Length : at).Fail("must specify an action");
        return (line.Slice(0, at), line.Slice(at + equals + 1));
    }

    private void ParseFlowItem(ref FlowHead head, ref Match match, TextPiece key, TextPiece value)
    {
        string name = key.ToString();
        if (s_protocols.TryGetValue(name, out (ushort EthType, byte IpProto) protocol))
        {
            MatchBuilder.SetProtocol(ref match, protocol.EthType, protocol.IpProto);
        }
        else if (name is "eth" or "no_readonly_table" or "allow_hidden_fields")
        {
            // Ethernet is the only packet type here; the others are for old switches.
        }
        else if (head.TakesFlags && TryFlag(name, out FlowModFlags flag))
        {
            head.Flags |= flag;
        }
        else if (IsKeyword(name) && Fields.ByName(name) is { } field)
        {
            MatchBuilder.Set(ref match, field, value.IsEmpty ? FieldText.Wild(field, value) : FieldText.Parse(field, value, _ports));
        }
        else if (key.Span.Contains('['))
        {
            ParseRange(ref match, key, value);
        }
        else if (IsKeyword(name) && (UnsupportedFields.Contains(name) || UnsupportedFields.IsFirstOption(name)))
        {
            key.Unsupported($"match field {name} is not supported");
        }
        else
        {
            if (value.IsEmpty) key.Fail(IsHeadWord(name) ? $"field {name} missing value" : $"unknown keyword {name}");
            ParseHeadWord(ref head, name, key, value);
        }
    }

    /// <summary>Fields are matched by ovs-ofctl's own names; their NXM and OXM names, which begin with capitals, stand with a range only.</summary>
    private static bool IsKeyword(string name) => !name.AsSpan().ContainsAnyInRange('A', 'Z');

    private static void ParseRange(ref Match match, TextPiece key, TextPiece text)
    {
        Subfield range = FieldText.ParseWholeSubfield(key);
        bool ok = NumberText.TryParse(text.Span, FieldText.ValueMax(range.Field), out UInt128 value);
        if (!ok) text.Fail($"{key}: cannot parse integer value: {text}");
        if (range.BitCount < 128 && value >> range.BitCount != 0) text.Fail($"{key}: value {text} does not fit into {range.BitCount} bits");
        if (!range.Field.Maskable && range.BitCount != range.Field.BitCount) key.Fail($"{key}: invalid mask for field {range.Field.Name}");
        MatchBuilder.SetRange(ref match, range, value);
    }

    private static bool TryFlag(string name, out FlowModFlags flag)
    {
        flag = name switch
        {
            "send_flow_rem" => FlowModFlags.SendFlowRemoved,
            "check_overlap" => FlowModFlags.CheckOverlap,
            "reset_counts" => FlowModFlags.ResetCounts,
            "no_packet_counts" => FlowModFlags.NoPacketCounts,
            "no_byte_counts" => FlowModFlags.NoByteCounts,
            _ => FlowModFlags.None,
        };
        return flag != FlowModFlags.None;
    }

    private static bool IsHeadWord(string name) => name is "table" or "out_port" or "out_group" or "priority" or "idle_timeout"
        or "hard_timeout" or "importance" or "cookie" or "duration" or "n_packets" or "n_bytes" or "idle_age" or "hard_age";

    private void ParseHeadWord(ref FlowHead head, string name, TextPiece key, TextPiece value)
    {
        switch (name)
        {
            case "table":
                head.Table = ParseTable(value, $"unknown table \"{value}\"");
                break;
            case "out_port" when head.IsDelete:
                if (!_ports.TryParse(value.Span, out uint port)) value.Fail($"{value} is not a valid OpenFlow port");
                head.OutPort = port == (uint)OfReservedPort.None ? null : port;
                break;
            case "out_group" when head.IsDelete:
                head.OutGroup = value.Is("any") ? null : NumberText.UInt32(value);
                break;
            case "priority" when head.TakesPriority:
                head.Priority = NumberText.UInt16(value, name);
                break;
            case "idle_timeout" when head.TakesFlags:
                head.IdleTimeoutSeconds = NumberText.UInt16(value, name);
                break;
            case "hard_timeout" when head.TakesFlags:
                head.HardTimeoutSeconds = NumberText.UInt16(value, name);
                break;
            case "importance" when head.Command == FlowModCommand.Add:
                head.Importance = NumberText.UInt16(value, name);
                break;
            case "cookie":
                ParseCookie(ref head, value);
                break;
            case "duration" or "n_packets" or "n_bytes" or "idle_age" or "hard_age":
                break; // the output of dump-flows may be fed back
            default:
                throw key.Error($"unknown keyword {name}");
        }
    }

    private static void ParseCookie(ref FlowHead head, TextPiece value)
    {
        int slash = value.Span.IndexOf('/');
        if (slash < 0)
        {
            if (head.IsDelete) value.Fail($"cannot set cookie (to match on a cookie, specify a mask, e.g. cookie={value}/-1)");
            head.NewCookie = NumberText.UInt64(value);
            return;
        }

        if (head.Command == FlowModCommand.Add) value.Slice(slash).Fail("flow additions cannot use a cookie mask");
        head.Cookie = NumberText.UInt64(value.Slice(0, slash));
        head.CookieMask = NumberText.UInt64(value.Slice(slash + 1));
    }

    /// <summary>0..254, or null for 255 (all tables, or none given).</summary>
    internal static byte? ParseTable(TextPiece value, string error)
    {
        if (!uint.TryParse(value.Span, NumberStyles.None, CultureInfo.InvariantCulture, out uint table) || table > 255) value.Fail(error);
        return table == 255 ? null : (byte)table;
    }

    /// <summary>What stands before the actions, apart from the match.</summary>
    private struct FlowHead()
    {
        public required FlowModCommand Command;
        public byte? Table;
        public ushort Priority = 0x8000;
        public ulong? NewCookie;
        public ulong Cookie;
        public ulong CookieMask;
        public ushort IdleTimeoutSeconds;
        public ushort HardTimeoutSeconds;
        public ushort Importance;
        public FlowModFlags Flags;
        public uint? OutPort;
        public uint? OutGroup;

        public readonly bool IsDelete => Command is FlowModCommand.Delete or FlowModCommand.DeleteStrict;

        public readonly bool TakesFlags => !IsDelete;

        public readonly bool TakesPriority => Command != FlowModCommand.Delete;
    }
}
