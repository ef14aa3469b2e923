using System.Globalization;
using System.Text;
using Mergeflow.Control;
using Mergeflow.Control.Bridges;

namespace Mergeflow.Cli;

/// <summary>Questions of <c>ovs-appctl</c> about how misses become megaflows, and orders for tests: <c>upcall/*</c>, <c>revalidator/*</c> (OVS <c>ofproto/ofproto-dpif-upcall.c</c>).</summary>
internal sealed class UpcallCommands(Vswitchd vswitchd, LiveBridgeHost host, DumpLog dumps)
{
    public void AddTo(UnixctlCommands commands)
    {
        commands.Add("upcall/show", "", 0, 0, _ => vswitchd.Locked(() => string.Concat(SharedDatapath.All(vswitchd, []).Select(Show))));
        commands.Add("upcall/disable-megaflows", "", 0, 0, _ => SetMegaflows(areWide: false));
        commands.Add("upcall/enable-megaflows", "", 0, 0, _ => SetMegaflows(areWide: true));
        commands.Add("upcall/disable-ufid", "", 0, 0, _ => SetUfids(areUsed: false));
        commands.Add("upcall/enable-ufid", "", 0, 0, _ => SetUfids(areUsed: true));
        commands.Add("revalidator/purge", "", 0, 0, _ => OnEach(static d => d.PurgeMegaflows(LiveSwitch.NowMs)));
        commands.Add("revalidator/wait", "", 0, 0, _ =>
        {
            OnEach(static d => d.EndDoubts(LiveSwitch.NowMs));
            dumps.Write();
            return "";
        });
        commands.Add("revalidator/pause", "", 0, 0, _ => OnEach(static d => d.PauseRevalidator(isPaused: true)));
        commands.Add("revalidator/resume", "", 0, 0, _ => OnEach(static d => d.PauseRevalidator(isPaused: false)));
    }

    private string Show(SharedDatapath datapath)
    {
        int current = datapath.Datapath.MegaflowCount, limit = datapath.Datapath.Options.MegaflowCapacity;
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"{datapath.Name}:\n  flows         : (current {current}) (avg {current}) (max {current}) (limit {limit})\n");
        text.Append(CultureInfo.InvariantCulture, $"  dump duration : 1ms\n  ufid enabled : {(dumps.IsTerse ? "true" : "false")}\n\n");
        int thread = 0;
        foreach (PmdContext pmd in datapath.Datapath.Pmds.Where(p => datapath.Live.Pmds.Runs(p.Index))) text.Append(CultureInfo.InvariantCulture, $"  {++thread}: (keys {pmd.Megaflows.Count})\n");

        return text.ToString();
    }

    private string SetMegaflows(bool areWide)
    {
        vswitchd.Locked(() =>
        {
            host.SetMegaflows(areWide);
            return OnEach(d => d.SetMegaflows(areWide, LiveSwitch.NowMs));
        });
        return $"megaflows {(areWide ? "enabled" : "disabled")}\n";
    }

    private string SetUfids(bool areUsed)
    {
        dumps.IsTerse = areUsed;
        return $"Datapath dumping tersely using UFID {(areUsed ? "enabled for supported datapaths" : "disabled")}\n";
    }

    private string OnEach(Action<Datapath> work) => vswitchd.Locked(() =>
    {
        foreach (LiveDatapath datapath in vswitchd.Datapaths) work(datapath.Datapath);
        return "";
    });
}
