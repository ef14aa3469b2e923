using System.Globalization;
using System.Text;
using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;

namespace Mergeflow.Engine.Text;

/// <summary>Prints datapath flows as <c>ovs-appctl dpctl/dump-flows</c> does (OVS lib/odp-util.c).</summary>
public static partial class DpFlowFormatter
{
    /// <summary>
    /// One line: key, statistics and actions. <paramref name="key"/> decides which layers are there, so it should be the packet's whole
    /// key. <paramref name="idleMs"/> null means never used. <paramref name="verbose"/> is dpctl's <c>-m</c>: all fields, the
    /// <paramref name="ufid"/>, whether hardware has the flow, and <paramref name="layer"/> unless it is empty. Flows that are put in by hand name no packet type (<paramref name="hasPacketType"/>).
    /// </summary>
    public static string FormatFlow(
        in FlowKey key,
        in FlowKey mask,
        ulong packets,
        ulong bytes,
        long? idleMs,
        ushort tcpFlags,
        ReadOnlySpan<DpAction> actions,
        PortNames? ports = null,
        bool verbose = false,
        Guid? ufid = null,
        bool offloaded = false,
        string layer = "ovs",
        bool hasPacketType = true,
        bool isBare = false)
    {
        var s = new StringBuilder();
        if (verbose && ufid is { } id) s.Append(CultureInfo.InvariantCulture, $"ufid:{id}, ");
        s.Append(FormatKey(key, mask, ports, verbose, hasPacketType, isBare));
        s.Append(CultureInfo.InvariantCulture, $", packets:{packets}, bytes:{bytes}, used:");
        if (idleMs is { } ms) s.Append((ms / 1000m).ToString("0.000", CultureInfo.InvariantCulture)).Append('s');
        else s.Append("never");
        if (tcpFlags != 0) s.Append(", flags:").Append(FormatTcpFlags(tcpFlags));
        if (verbose && offloaded) s.Append(", offloaded:yes");
        if (verbose && layer.Length > 0) s.Append(", dp:").Append(layer);
        return s.Append(", actions:").Append(FormatActions(actions, ports)).ToString();
    }

    /// <summary>TCP flags in tcpdump's letters (OVS <c>packet_format_tcp_flags</c>): <c>S</c>, <c>FP.</c>, <c>none</c>.</summary>
    public static string FormatTcpFlags(ushort flags)
    {
        if (flags == 0) return "none";
        var s = new StringBuilder();
        foreach ((ushort bit, string text) in s_tcpLetters)
        {
            if ((flags & bit) != 0) s.Append(text);
        }

        return s.ToString();
    }

    private static readonly (ushort Bit, string Text)[] s_tcpLetters =
    [
        (0x02, "S"), (0x01, "F"), (0x08, "P"), (0x04, "R"), (0x20, "U"), (0x10, "."), (0x40, "E"), (0x80, "C"), (0x100, "N"),
        (0x200, "[200]"), (0x400, "[400]"), (0x800, "[800]"),
    ];

    /// <summary>Name of a datapath port if there is one that is not reserved, else the number.</summary>
    private static string Port(uint port, PortNames? ports)
        => ports is null || (port >= OfPorts.Max && !ports.IsOfDatapath) ? port.ToString(CultureInfo.InvariantCulture) : ports.Format(port);
}
