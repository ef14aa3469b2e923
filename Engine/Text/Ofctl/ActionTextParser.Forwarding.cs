using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;

namespace Mergeflow.Engine.Text;

/// <summary>Actions that send the packet somewhere.</summary>
internal sealed partial class ActionTextParser
{
    private const int EthernetHeaderBytes = 14;

    /// <summary>OVS <c>ofputil_packet_in_reason_to_string</c>.</summary>
    private static readonly HashSet<string> s_reasons =
    [
        "no_match", "action", "invalid_ttl", "action_set", "group", "packet_out", "explicit_miss", "implicit_miss",
    ];

    private bool TryForwardingAction(string name, TextPiece key, TextPiece value, Action<OfAction> add)
    {
        switch (name)
        {
            case "output" or "output_reg":
                add(ParseOutput(key, value));
                return true;
            case "controller":
                add(ParseController(value));
                return true;
            case "resubmit":
                add(ParseResubmit(key, value));
                return true;
            case "group":
                add(new OfGroup(NumberText.UInt32(value)));
                return true;
            case "meter":
                uint meter = NumberText.UInt32(value);
                if (meter is 0 or > 0xffff0000) value.Fail($"{value}: invalid meter (OFPMMFC_INVALID_METER)");
                add(new OfMeter(meter));
                return true;
            case "clone":
                add(new OfClone(ParseNested(value, Nesting.Clone)));
                return true;
            case "check_pkt_larger":
                add(ParseCheckPktLarger(value));
                return true;
            default:
                return false;
        }
    }

    private OfAction ParseOutput(TextPiece key, TextPiece value)
    {
        if (value.Span.Contains("port", StringComparison.Ordinal) && value.Span.Contains("max_len", StringComparison.Ordinal)) return ParseTruncate(value);
        if (_ports.TryParse(value.Span, out uint port)) return Output(value, port, 0);
        int bracket = value.Span.IndexOf('[');
        TextPiece name = bracket < 0 ? value : value.Slice(0, bracket);
        if (name.IsEmpty || FieldText.FindField(name) is null) throw value.Error($"{value}: output to unknown port");
        Subfield source = FieldText.ParseWholeSubfield(value);
        _check.RequireField(source.Field, key, "source");
        return new OfOutputReg(source);
    }

    /// <summary>Ordinary or reserved; refuses the numbers that OVS refuses (<c>ofpact_check_output_port</c>).</summary>
    private static OfAction Output(TextPiece where, uint port, int maxLengthBytes)
    {
        if (port < OfPorts.Max) return new OfOutput(port, maxLengthBytes);
        if (port is < (uint)OfReservedPort.InPort or >= (uint)OfReservedPort.None) where.Fail($"{where}: bad output port (OFPBAC_BAD_OUT_PORT)");
        if (port == (uint)OfReservedPort.Controller && maxLengthBytes == 0) maxLengthBytes = ushort.MaxValue;
        return new OfOutputSpecial((OfReservedPort)port, maxLengthBytes);
    }

    private OfAction ParseTruncate(TextPiece text)
    {
        uint port = OfPorts.Unset;
        uint maxLengthBytes = 0;
        var reader = new KeyValueReader(text);
        while (reader.Next(out TextPiece key, out TextPiece value))
        {
            if (key.Is("port"))
            {
                if (!_ports.TryParse(value.Span, out port)) value.Fail($"output to unknown truncate port: {value}");
                bool ok = port < OfPorts.Max || port is (uint)OfReservedPort.Local or (uint)OfReservedPort.InPort;
                if (!ok) value.Fail($"output to unsupported truncate port: {value}");
            }
            else if (key.Is("max_len"))
            {
                maxLengthBytes = NumberText.UInt32(value);
                if (maxLengthBytes < EthernetHeaderBytes) value.Fail($"max_len {maxLengthBytes} is less than the minimum value {EthernetHeaderBytes}");
            }
            else
            {
                key.Fail($"invalid key '{key}' in output_trunc argument");
            }
        }

        return Output(text, port, (int)Math.Min(maxLengthBytes, int.MaxValue));
    }

    private static OfAction ParseController(TextPiece text)
    {
        string reason = "action", userData = "";
        bool pause = false;
        uint? meter = null;
        ushort id = 0;
        ushort maxLengthBytes = ushort.MaxValue;
        if (text.IsEmpty) return new OfOutputSpecial(OfReservedPort.Controller, maxLengthBytes);
        if (text.Span.IndexOfAnyExceptInRange('0', '9') < 0)
        {
            return new OfOutputSpecial(OfReservedPort.Controller, NumberText.UInt16(text, "max_len"));
        }

        var reader = new KeyValueReader(text);
        while (reader.Next(out TextPiece key, out TextPiece value))
        {
            if (key.Is("max_len")) maxLengthBytes = NumberText.UInt16(value, "max_len");
            else if (key.Is("reason")) reason = ParseReason(value);
            else if (key.Is("id")) id = NumberText.UInt16(value, "id");
            else if (key.Is("userdata")) userData = ParseHexPairs(value, "bad hex digit in `controller' action `userdata'");
            else if (key.Is("pause")) pause = true;
            else if (key.Is("meter_id")) meter = NumberText.UInt32(value) is var m && m == OfController.NoMeter ? null : m;
            else key.Fail($"unknown key \"{key}\" parsing controller action");
        }

        return reason == "action" && id == 0 && userData.Length == 0 && !pause && meter is null
            ? new OfOutputSpecial(OfReservedPort.Controller, maxLengthBytes)
            : new OfController(maxLengthBytes, reason, id, userData, pause, meter);
    }

    private static string ParseReason(TextPiece text)
    {
        string reason = text.ToString();
        if (!s_reasons.Contains(reason)) text.Fail($"unknown reason \"{text}\"");
        return reason;
    }

    private OfResubmit ParseResubmit(TextPiece where, TextPiece text)
    {
        TextPiece portText = TakeUntilComma(ref text);
        TextPiece tableText = TakeUntilComma(ref text);
        TextPiece ctText = TakeUntilComma(ref text);
        uint? port = null;
        byte? table = null;
        if (!portText.IsEmpty)
        {
            if (!_ports.TryParse(portText.Span, out uint p)) portText.Fail($"{portText}: resubmit to unknown port");
            port = p == (uint)OfReservedPort.InPort ? null : p;
        }

        if (!tableText.IsEmpty) table = FlowTextParser.ParseTable(tableText, $"{tableText}: resubmit to unknown table");
        if (!ctText.IsEmpty && !ctText.Is("ct")) ctText.Fail($"{ctText}: unknown parameter");
        if (!text.IsEmpty) text.Fail($"{text}: unknown parameter");
        if (port is null && table is null) where.Fail("at least one \"in_port\" or \"table\" must be specified on resubmit");
        _check.RequireAlways(ctText.IsEmpty || _check.IsConnectionValid, where, "resubmit(..,ct) needs ct_state of a valid connection");
        return new OfResubmit(port, table, !ctText.IsEmpty);
    }

    private static OfCheckPktLarger ParseCheckPktLarger(TextPiece text)
    {
        (TextPiece valueText, TextPiece fieldText) = SplitArrow(text);
        if (valueText.Span.EndsWith(")")) valueText = valueText.Slice(0, valueText.Length - 1);
        Subfield to = FieldText.ParseWholeSubfield(fieldText);
        if (to.BitCount != 1) fieldText.Fail("Only 1-bit destination field is allowed");
        RequireWritable(to.Field, fieldText);
        return new OfCheckPktLarger(NumberText.UInt16(valueText, "packet length"), to);
    }

    private static TextPiece TakeUntilComma(ref TextPiece text)
    {
        int comma = text.Span.IndexOf(',');
        TextPiece head = comma < 0 ? text : text.Slice(0, comma);
        text = text.Slice(comma < 0 ? text.Length : comma + 1);
        return head.Trim();
    }
}
