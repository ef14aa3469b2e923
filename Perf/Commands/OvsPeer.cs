namespace Mergeflow.Perf;

/// <summary>Open vSwitch with DPDK as the peer.</summary>
internal static class OvsPeer
{
    private const string Binary = "/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk";

    /// <summary>One line: whether it is there, and how to measure it.</summary>
    public static string Availability() => File.Exists(Binary)
        ? "--peer ovs: Open vSwitch is measured by its own driver, which calls `ob-peer` in turn with it (see docs/perf.md); this run goes on without it."
        : "--peer ovs: openvswitch-switch-dpdk is not installed (apt-get install openvswitch-switch-dpdk); this run goes on without it.";
}
