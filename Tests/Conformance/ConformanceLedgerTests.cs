using Mergeflow.Cli;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Of every recorded case, after every event, each packet thread can say where all its packets are: carried out, dropped for a cause, or held.</summary>
public sealed class ConformanceLedgerTests
{
    /// <summary>Case and offload, one in turn, or all.</summary>
    public static TheoryData<string, OffloadMode> Runs => RunSample.InTurn(OffloadMode.None, OffloadMode.Soft, OffloadMode.Nic);

    [Theory]
    [MemberData(nameof(Runs))]
    public void Every_packet_is_accounted_for_after_every_event(string caseName, OffloadMode offload)
    {
        ReplayArguments arguments = ReplayArguments.FromCase(CaseFiles.Load(caseName).Directory) with { Offload = offload, PmdCount = PmdSpread.Count, RssIsSymmetric = PmdSpread.IsSymmetric };
        ulong packets = 0;
        ReplaySession.Run(arguments, Stream.Null, TestContext.Current.CancellationToken, beforeEvent: s =>
        {
            s.ProcessPending();
            foreach (PmdContext pmd in s.Datapath.Pmds)
            {
                ThreadLedger ledger = new(pmd.Index, pmd.Thread.Stats, pmd.Held);
                Assert.True(ledger.Unexplained == 0, $"pmd{pmd.Index}: {ledger.Unexplained} unexplained of {ledger}");
                ulong causes = ledger.Causes().Aggregate(0ul, static (sum, c) => sum + c.Packets);
                Assert.Equal(ledger.Stats.Dropped + ledger.Stats.FragmentsDropped, causes);
            }

            packets += s.Datapath.Stats.Rx;
        });
        Assert.True(packets > 0 || offload == OffloadMode.Nic);
    }
}
