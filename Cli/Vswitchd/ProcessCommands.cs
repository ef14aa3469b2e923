using System.Globalization;
using Mergeflow.Control;
using Mergeflow.Control.Bridges;

namespace Mergeflow.Cli;

/// <summary>Questions of <c>ovs-appctl</c> about what the process has done and has: <c>coverage/*</c>, <c>memory/show</c>.</summary>
internal sealed class ProcessCommands(Vswitchd vswitchd)
{
    public void AddTo(UnixctlCommands commands)
    {
        commands.Add("coverage/show", "", 0, 0, _ => vswitchd.Locked(() => vswitchd.Coverage.Show()));
        commands.Add("coverage/read-counter", "COUNTER", 1, 1, words => vswitchd.Locked(() => vswitchd.CountOf(words[0]) is { } count ? count.ToString(CultureInfo.InvariantCulture) + "\n" : throw new UnixctlException("No such counter")));
        commands.Add("memory/show", "", 0, 0, _ => vswitchd.Locked(ShowMemory));
    }

    private string ShowMemory()
    {
        int ports = vswitchd.Bridges.Names.Sum(n => vswitchd.Bridges.OfportsOf(n).Count), rules = BridgeCommands.All(vswitchd).Sum(static b => b.Pipeline.Rules.Count());
        int threads = vswitchd.Datapaths.Sum(static d => d.Datapath.Pmds.Count(p => d.Pmds.Runs(p.Index)));
        return string.Create(CultureInfo.InvariantCulture, $"handlers:{threads} idl-rows-Open_vSwitch:{vswitchd.RowCount} ports:{ports} rules:{rules}\n");
    }
}
