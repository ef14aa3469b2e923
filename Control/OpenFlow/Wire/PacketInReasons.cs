namespace Mergeflow.Control.OpenFlow;

/// <summary>Why a packet goes to controllers (OVS <c>enum ofp_packet_in_reason</c>).</summary>
public static class PacketInReasons
{
    private static readonly string[] s_names = ["no_match", "action", "invalid_ttl", "action_set", "group", "packet_out", "explicit_miss", "implicit_miss"];

    /// <summary>As <c>ovs-ofctl</c> names it; the number where there is no name.</summary>
    public static string Name(byte reason) => reason < s_names.Length ? s_names[reason] : reason.ToString(System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>The number.</summary>
    public static byte Number(string name) => Array.IndexOf(s_names, name) is var i and >= 0 ? (byte)i : byte.TryParse(name, out byte number) ? number : (byte)1;
}
