using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Native;

namespace Mergeflow.Engine.Text;

/// <summary>Reads datapath flows as <c>ovs-appctl dpctl/dump-flows [-m]</c> and <c>ovs-dpctl dump-flows</c> print them (OVS lib/odp-util.c).</summary>
/// <remarks>Keys are in <c>.Key</c>, actions in <c>.Actions</c>. Every error names line and column.</remarks>
public sealed partial class DpFlowParser
{
    private const string ActionsWord = "actions:";

    /// <summary>Most levels of <c>clone</c> or <c>encap</c>; the kernel stops at 16 (<c>nla_copy_actions</c>).</summary>
    private const int MaxDepth = 64;

    private int _depth;

    /// <summary>Ports that were seen.</summary>
    public DpDumpPorts Ports { get; } = new();

    /// <summary>
    /// All flows of a dump. Lines that hold no flow (blank, a shell prompt, <c>flow-dump from ...</c>) are skipped.
    /// </summary>
    /// <exception cref="FlowTextException">A flow cannot be read.</exception>
    public IReadOnlyList<DpFlow> Parse(string text)
    {
        List<DpFlow> flows = [];
        int number = 0;
        _depth = 0;
        using var lines = new StringReader(text);
        while (lines.ReadLine() is { } line)
        {
            number++;
            TextPiece piece = TextPiece.Whole(line, number).Trim();
            if (IsFlow(piece.Span)) flows.Add(ParseFlow(piece));
        }

        Ports.Resolve(flows);
        return flows;
    }

    /// <summary>How Open vSwitch prints what it does not know itself, e.g. <c>key32</c> of a newer kernel (<c>ovs_key_attr_to_string</c>).</summary>
    private static bool IsNumbered(string name, string prefix)
        => name.Length > prefix.Length && name.StartsWith(prefix, StringComparison.Ordinal) && name.AsSpan(prefix.Length).IndexOfAnyExceptInRange('0', '9') < 0;

    /// <summary>A flow begins with an attribute; a cut line still does, and is then an error rather than skipped.</summary>
    private static bool IsFlow(ReadOnlySpan<char> s)
        => s.StartsWith("ufid:") || s.StartsWith("recirc_id(") || s.StartsWith("tunnel(") || s.StartsWith("skb_priority(") || s.StartsWith("in_port(")
        || s.StartsWith("ct_state(") || s.StartsWith("eth(") || s.Contains(", actions:", StringComparison.Ordinal);

    private DpFlow ParseFlow(TextPiece line)
    {
        int at = line.Span.IndexOf(ActionsWord);
        if (at < 0) line.Slice(line.Length).Fail($"expected `{ActionsWord}'");
        var flow = new DpFlow { Line = line.Line };
        var reader = new KeyValueReader(line.Slice(0, at));
        while (reader.Next(out TextPiece key, out TextPiece value)) Attribute(flow, key, value, reader.Delimiter);
        PinTagCount(flow);
        FlowKey.And(ref flow.Value, ref flow.Mask, ref flow.Value);
        List<DpAction> actions = [];
        ParseActions(line.Slice(at + ActionsWord.Length).Trim(), actions, flow);
        flow.Actions = [.. actions];
        return flow;
    }

    /// <summary>An eth_type that is no tag's says that there is no further tag.</summary>
    private static void PinTagCount(DpFlow flow)
    {
        if (flow.Mask.DlType.Raw == 0) return;
        flow.Mask.DlType = new Be16(0xffff);
        Be16 present = Be16.FromHost(KeyMasks.VlanPresent);
        if (flow.Mask.Vlan0Tci.Raw == 0) flow.Mask.Vlan0Tci = present;
        else if (flow.Mask.Vlan1Tci.Raw == 0) flow.Mask.Vlan1Tci = present;
    }

    /// <summary><c>value[/mask]</c>, a number in C's notation.</summary>
    private static (UInt128 Value, UInt128 Mask) Number(TextPiece text, UInt128 all)
    {
        text = text.Trim();
        int slash = text.Span.IndexOf('/');
        TextPiece head = slash < 0 ? text : text.Slice(0, slash);
        if (!NumberText.TryParse(head.Span, all, out UInt128 value)) head.Fail($"`{head}': expected a number up to 0x{all:x}");
        if (slash < 0) return (value, all);
        TextPiece tail = text.Slice(slash + 1);
        if (!NumberText.TryParse(tail.Span, all, out UInt128 mask)) tail.Fail($"`{tail}': expected a mask up to 0x{all:x}");
        return (value, mask);
    }
}
