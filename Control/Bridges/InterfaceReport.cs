namespace Mergeflow.Control.Bridges;

/// <summary>Columns of <c>Interface</c> that say what became of it (OVS <c>iface_refresh_netdev_status</c>).</summary>
internal static class InterfaceReport
{
    /// <summary>One that is there.</summary>
    public static void Write(Writeback into, Guid row, int ofport, IHostedBridge bridge, bool withStatistics, IReadOnlyList<string> refused)
    {
        InterfaceStatus status = bridge.StatusOf(ofport);
        into.Set(VswitchTables.Interface, row, "ofport", ofport);
        into.Set(VswitchTables.Interface, row, "error", status.Error);
        into.Set(VswitchTables.Interface, row, "mac_in_use", status.Mac);
        into.Set(VswitchTables.Interface, row, "mtu", status.Mtu);
        into.Set(VswitchTables.Interface, row, "ifindex", (long?)status.IfIndex);
        into.Set(VswitchTables.Interface, row, "admin_state", UpOrDown(status.IsUp));
        into.Set(VswitchTables.Interface, row, "link_state", UpOrDown(status.HasLink));
        into.Set(VswitchTables.Interface, row, "link_resets", (long?)status.LinkResets);
        into.Set(VswitchTables.Interface, row, "link_speed", status.LinkSpeed);
        into.Set(VswitchTables.Interface, row, "duplex", status.IsFullDuplex is { } full ? full ? "full" : "half" : null);
        into.Set(VswitchTables.Interface, row, "status", refused.Count == 0 ? status.Status : new SortedDictionary<string, string>(status.Status.ToDictionary(StringComparer.Ordinal), StringComparer.Ordinal) { ["not_supported"] = string.Join(',', refused) });
        into.Set(VswitchTables.Interface, row, "lacp_current", status.LacpCurrent is { } isCurrent ? Ovsdb.OvsdbDatum.Of(Ovsdb.OvsdbAtom.Of(isCurrent)) : Ovsdb.OvsdbDatum.Empty);
        into.Set(VswitchTables.Interface, row, "bfd_status", status.BfdStatus);
        if (withStatistics) into.Set(VswitchTables.Interface, row, "statistics", bridge.StatisticsOf(ofport));
    }

    /// <summary>One that is not (OVS <c>iface_clear_db_record</c>).</summary>
    /// <param name="into">Takes the values.</param>
    /// <param name="row">Of the interface.</param>
    /// <param name="error">Why not; null = not tried yet.</param>
    public static void WriteFailed(Writeback into, Guid row, string? error)
    {
        into.Set(VswitchTables.Interface, row, "ofport", error is null ? null : -1L);
        into.Set(VswitchTables.Interface, row, "error", error);
        foreach (string column in (ReadOnlySpan<string>)["mac_in_use", "admin_state", "link_state", "duplex"]) into.Set(VswitchTables.Interface, row, column, (string?)null);
        foreach (string column in (ReadOnlySpan<string>)["mtu", "ifindex", "link_resets", "link_speed"]) into.Set(VswitchTables.Interface, row, column, (long?)null);
        into.Set(VswitchTables.Interface, row, "status", new SortedDictionary<string, string>());
        into.Set(VswitchTables.Interface, row, "bfd_status", new SortedDictionary<string, string>());
        into.Set(VswitchTables.Interface, row, "statistics", new SortedDictionary<string, long>());
    }

    private static string UpOrDown(bool isUp) => isUp ? "up" : "down";
}
