using Mergeflow.Control;
using Mergeflow.Control.Bridges;

namespace Mergeflow.Cli;

/// <summary>What <c>ovs-appctl</c> may ask the switch.</summary>
internal static class VswitchdCommands
{
    /// <summary>Release of Open vSwitch whose behaviour is repeated; <c>ovs-ctl</c> compares the last word of the line.</summary>
    private const string OvsVersion = "3.1.0";

    /// <summary>What <c>version</c> begins with.</summary>
    public static string VersionLine => $"ovs-vswitchd (Mergeflow {ProgramVersion.Number}, as Open vSwitch) {OvsVersion}";

    public static void AddTo(UnixctlCommands commands, Vswitchd vswitchd, LiveBridgeHost host, Vlog log)
    {
        log.AddTo(commands);
        commands.Add("version", "", 0, 0, static _ => VersionLine + "\n");
        commands.Add("exit", "[--cleanup]", 0, 1, arguments =>
        {
            if (arguments is [not "--cleanup"]) throw new UnixctlException($"unknown argument \"{arguments[0]}\"");
            vswitchd.End();
            return "";
        });
        new BridgeCommands(vswitchd).AddTo(commands);
        new FdbCommands(vswitchd).AddTo(commands);
        new MdbCommands(vswitchd).AddTo(commands);
        new DatapathCommands(vswitchd).AddTo(commands);
        new ManualCommands(vswitchd).AddTo(commands);
        new FlowCommands(vswitchd, log).AddTo(commands);
        new BondCommands(vswitchd).AddTo(commands);
        new QosCommands(vswitchd).AddTo(commands);
        ConntrackCommands conntrack = new(vswitchd);
        conntrack.AddTo(commands);
        new FragmentCommands(vswitchd, conntrack).AddTo(commands);
        new PmdCommands(vswitchd).AddTo(commands);
        new ImplementationCommands(vswitchd, log).AddTo(commands);
        new ProcessCommands(vswitchd).AddTo(commands);
        new TunnelCommands(vswitchd, host).AddTo(commands);
        new OffloadCommands(vswitchd).AddTo(commands);
        new UpcallCommands(vswitchd, host, new DumpLog(vswitchd, log)).AddTo(commands);
        _ = new MissLog(log, host);
        if (host.Wire is not { } wire) return;
        new DummyCommands(vswitchd, wire).AddTo(commands);
        new TimeCommands(vswitchd, wire).AddTo(commands);
    }
}
