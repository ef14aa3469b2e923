using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Native;

namespace Mergeflow.Engine.Text;

/// <content>A megaflow that is put in by hand (OVS <c>dpctl_put_flow_dpif</c>).</content>
public sealed partial class DpFlowParser
{
    /// <summary>Bytes that a nested attribute of a message has room for (<c>UINT16_MAX - NLA_HDRLEN</c>).</summary>
    private const int NestedBytes = ushort.MaxValue - AttributeHeaderBytes;

    private const int AttributeHeaderBytes = 4;

    /// <summary>The text is one that people give: what a dump may leave out of account is refused.</summary>
    private bool _isGiven;

    /// <summary>Reads a key with its mask. What it does not name is matched only as far as Open vSwitch always does: the pass, the type, that there is no further tag.</summary>
    /// <param name="text">The key; masks stand behind slashes.</param>
    /// <param name="ports">Names and numbers of datapath ports.</param>
    /// <returns>In <see cref="DpFlow.Value"/> bits that the mask leaves out are as they were given.</returns>
    /// <exception cref="FlowTextException">It is none, or names what no megaflow here matches.</exception>
    public static DpFlow ParseGiven(string text, PortNames ports)
    {
        DpFlowParser parser = new() { _ports = ports, _isGiven = true };
        var flow = new DpFlow { Line = 1 };
        flow.Value.DlType = Be16.FromHost(Keys.EthType.None);
        flow.Mask.DlType = new Be16(0xffff);
        TextPiece whole = TextPiece.Whole(text, 1);
        var reader = new KeyValueReader(whole);
        while (reader.Next(out TextPiece key, out TextPiece value))
        {
            if (reader.Delimiter != '(' && !key.Is("ufid")) key.Fail("expected NAME(VALUE)");
            if (key.Is("tunnel")) Measure(value);
            parser.Attribute(flow, key, value, reader.Delimiter);
            if (flow.ForeignMatch is { } foreign) key.Fail($"`{foreign}': no megaflow here matches it");
        }

        if (LacksTag(flow.Value.Vlan0Tpid, flow.Mask.Vlan0Tci) || LacksTag(flow.Value.Vlan1Tpid, flow.Mask.Vlan1Tci)) whole.Fail("eth_type: a tag's type without a vlan() behind it");
        PinTagCount(flow);
        flow.Mask.RecircId = new Be32(~0u);
        return flow;
    }

    /// <summary>Reads the actions of such a megaflow; they are those that a packet thread can carry out as they are written.</summary>
    /// <param name="text">The actions.</param>
    /// <param name="flow">The key that they are for: what is rewritten has to be there.</param>
    /// <exception cref="FlowTextException">They are none, or cannot be put in by hand.</exception>
    public static DpAction[] ParseGivenActions(string text, DpFlow flow)
    {
        DpFlowParser parser = new() { _isGiven = true };
        TextPiece piece = TextPiece.Whole(text, 1).Trim();
        DpFlow read = new() { Line = 1 };
        List<DpAction> actions = [];
        parser.ParseActions(piece, actions, read);
        if (read.NamedOutputs.Count > 0) piece.Fail($"`{text}': expected an action");
        if (read.ForeignAction is { } foreign) piece.Fail($"`{foreign}': cannot be put in by hand");
        DpAction[] program = [.. actions];
        if (GivenActions.Refusal(program, flow.Value, flow.Mask) is { } refusal) piece.Fail(refusal);
        return program;
    }

    private static bool LacksTag(Be16 type, Be16 tci) => type.Raw != 0 && tci.Raw == 0;

    /// <summary>As long as the message would be in which Open vSwitch has the members of a tunnel.</summary>
    private static void Measure(TextPiece members)
    {
        long bytes = 0;
        var reader = new KeyValueReader(members);
        while (reader.Next(out TextPiece name, out _))
        {
            bytes += AttributeHeaderBytes + name.ToString() switch { "tun_id" => 8, "ipv6_src" or "ipv6_dst" => 16, _ => 4 };
        }

        if (bytes > NestedBytes) throw new FlowTextTooLongException($"syntax error at tunnel({members})", members.Line, members.Column);
    }
}
