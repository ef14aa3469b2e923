using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.Text;

/// <content>Keys of packets (OVS <c>odp_flow_key_format</c>).</content>
public static partial class DpFlowFormatter
{
    /// <summary>A packet's key, every field of it, without masks.</summary>
    public static string FormatPacket(FlowKey key, PortNames? ports = null)
    {
        FlowKey all = default;
        all.Bytes.Fill(0xff);
        string text = FormatKey(key, all, ports, verbose: true);
        int at = text.IndexOf("in_port(", StringComparison.Ordinal);
        string state = key.CtState == 0 ? "0" : FlagText.CtState.Format((uint)key.CtState, 0xff, 0xff);
        return $"skb_priority(0),skb_mark({NumberText.Hex(key.PktMark.Host)}),ct_state({state}),ct_zone({NumberText.Hex(key.CtZone.Host)}),ct_mark({NumberText.Hex(key.CtMark.Host)}),"
            + $"ct_label({NumberText.Hex(key.CtLabel.ToUInt128())}),recirc_id({NumberText.Hex(key.RecircId.Host)}),dp_hash({NumberText.Hex(key.DpHash.Host)}),{text[Math.Max(at, 0)..]}";
    }
}
