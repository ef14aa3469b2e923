namespace Mergeflow.Engine.Actions;

/// <summary>Why a controller gets a packet (OVS <c>enum ofp_packet_in_reason</c>, with its numbers).</summary>
public enum PacketInReason : byte
{
    NoMatch,
    Action,
    InvalidTtl,
    ActionSet,
    Group,
    PacketOut,
    ExplicitMiss,
    ImplicitMiss,
}

/// <summary>Reasons by their names in ovs-ofctl.</summary>
public static class PacketInReasons
{
    private static readonly string[] s_names = ["no_match", "action", "invalid_ttl", "action_set", "group", "packet_out", "explicit_miss", "implicit_miss"];

    /// <summary>The reason with a name; <see cref="PacketInReason.Action"/> if there is none.</summary>
    public static PacketInReason Of(string name) => Array.IndexOf(s_names, name) is >= 0 and var at ? (PacketInReason)at : PacketInReason.Action;
}
