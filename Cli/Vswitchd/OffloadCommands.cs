using System.Globalization;
using Mergeflow.Control;
using Mergeflow.Control.Bridges;

namespace Mergeflow.Cli;

/// <summary>Questions of <c>ovs-appctl</c> about merged rules, datapath by datapath: <c>mergeflow/offload-*</c>.</summary>
internal sealed class OffloadCommands(Vswitchd vswitchd)
{
    private const int MostRefusals = 200;

    public void AddTo(UnixctlCommands commands)
    {
        commands.Add("mergeflow/offload-stats", "[bridge]", 0, 1, words => Each(words, static (datapath, to) =>
        {
            datapath.Datapath.Settle(LiveSwitch.NowMs);
            OffloadShares shares = datapath.Datapath.Offload!.Report.Shares(datapath.Live.Received);
            ShareTable.Table(ShareTable.Rows(shares)).Write(to);
            to.WriteLine(ShareTable.Summary(shares));
            if (datapath.Datapath.Shadow is not { OneIn: > 0 } shadow) return;
            to.WriteLine(string.Create(CultureInfo.InvariantCulture, $"one in {shadow.OneIn} packets of the kernel checked: {shadow.Alike} as software, {shadow.Differences} otherwise, {shadow.Undecided} undecided, {shadow.Lost} without room for a copy"));
        }));
        commands.Add("mergeflow/offload-show", "[bridge]", 0, 1, words => Each(words, static (datapath, to) =>
        {
            datapath.Datapath.Settle(LiveSwitch.NowMs);
            foreach (MergedFlow rule in datapath.Datapath.Offload!.Report.Rules().OrderBy(static r => r.Id)) to.WriteLine(MergedFlowText.Line(rule));
        }));
        commands.Add("mergeflow/offload-explain", "[bridge]", 0, 1, words => Each(words, static (datapath, to) =>
        {
            foreach (Refusal refusal in datapath.Datapath.Offload!.Pmds.SelectMany(static p => p.Refusals.All()).OrderByDescending(static r => r.Bytes).Take(MostRefusals))
            {
                to.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{FlowKeyText.Of(refusal.Key)}, packets:{refusal.Packets}, bytes:{refusal.Bytes}, pass:{refusal.Pass}, reason:{MergedFlowText.Reason(refusal.Reason, refusal.Detail)}"));
            }
        }));
        commands.Add("mergeflow/offload-audit", "[bridge]", 0, 1, words => Each(words, static (datapath, to) => LedgerText.Write(to, datapath.Live.Ledger(), isJson: false), needsOffload: false));
    }

    private string Each(IReadOnlyList<string> words, Action<LiveDatapath, TextWriter> write, bool needsOffload = true) => vswitchd.Locked(() =>
    {
        SharedDatapath[] datapaths = [.. SharedDatapath.All(vswitchd, []).Where(d => words.Count == 0 || d.Bridges.Any(b => b.Name == words[0]))];
        if (words.Count > 0 && datapaths.Length == 0) throw new UnixctlException("no such bridge");
        StringWriter text = new(CultureInfo.InvariantCulture);
        foreach (SharedDatapath datapath in datapaths)
        {
            text.WriteLine($"{datapath.Name}:");
            if (needsOffload && datapath.Datapath.Offload is null) text.WriteLine("merged rules are off (other_config:mergeflow-offload)");
            else write(datapath.Live, text);
        }

        return text.ToString();
    });
}
