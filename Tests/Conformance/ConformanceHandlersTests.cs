using Mergeflow.Cli;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>
/// Every recorded case with upcalls on handler threads. Packet by packet the answers are the same; in batches packets of other hosts go ahead of one that waits, and what may differ then is listed here and in
/// docs/conformance.md.
/// </summary>
public sealed class ConformanceHandlersTests
{
    private const int Handlers = 2;

    /// <summary>
    /// Cases in which a packet depends on one between other hosts that came in the same batch, as no real answer does: behind address translation, of an announced connection, about a packet that is
    /// quoted, or with the tracker's late fragments.
    /// </summary>
    private static readonly string[] s_dependOnOthers = ["alg_ftp_nat", "alg_ftp_nat__noseq", "alg_tftp", "frags_late__purge", "icmp_quotes_fragment", "ovn_like", "ovn_like__noseq"];

    /// <summary>Case and offload, one in turn, or all.</summary>
    public static TheoryData<string, OffloadMode> Runs => RunSample.InTurn(Enum.GetValues<OffloadMode>());

    [Theory]
    [MemberData(nameof(Runs))]
    public void Answers_as_Open_vSwitch_does(string caseName, OffloadMode offload)
    {
        AssertAnswers(caseName, offload, batchSize: 1);
        if (!s_dependOnOthers.Contains(caseName)) AssertAnswers(caseName, offload, batchSize: 32);
    }

    [Fact]
    public void The_document_lists_what_is_not_compared()
    {
        string text = RepositoryFiles.Read("docs/conformance.md");
        int from = text.IndexOf("## Upcalls on handler threads", StringComparison.Ordinal);
        string section = text[from..text.IndexOf("\n## ", from + 1, StringComparison.Ordinal)];
        Assert.All(s_dependOnOthers, name => Assert.Contains($"`{name}`", section, StringComparison.Ordinal));
        Assert.All(s_dependOnOthers, static name => Assert.True(CaseFiles.Exists(name), name));
    }

    private static void AssertAnswers(string caseName, OffloadMode offload, int batchSize)
    {
        ReplayArguments arguments = ReplayArguments.FromCase(CaseFiles.Load(caseName).Directory) with { Offload = offload, HandlerCount = Handlers, BatchSize = batchSize, Seed = 5, Quirks = Quirks.Ovs31 };
        RunSample.AssertNone(ConformanceRun.Judge(caseName, offload, ConformanceRun.Replay(arguments)));
    }
}
