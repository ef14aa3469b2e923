using Mergeflow.Engine;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>
/// Every recorded case with <see cref="Quirks.None"/> and the default caches: the switch as it ships. A case whose right answer is not the recorded
/// one has a <see cref="ShippedAnswer"/>; docs/conformance.md says of each why it is right.
/// </summary>
public sealed class ConformanceShippedTests
{
    /// <summary>Case and offload. Where there is an answer without TCP sequence checks, that is the one for the NIC.</summary>
    public static TheoryData<string, OffloadMode> Runs
    {
        get
        {
            TheoryData<string, OffloadMode> runs = [];
            foreach (string name in CaseFiles.Names)
            {
                foreach (OffloadMode offload in Enum.GetValues<OffloadMode>())
                {
                    if (offload != OffloadMode.Nic || ConformanceRun.AnswerFor(name, offload).Name == name) runs.Add(name, offload);
                }
            }

            return runs;
        }
    }

    [Theory]
    [MemberData(nameof(Runs))]
    public void Answers_right(string caseName, OffloadMode offload)
    {
        ConformanceCase @case = CaseFiles.Load(caseName);
        byte[] output = ConformanceRun.Replay(caseName, offload, quirks: Quirks.None);
        RunSample.AssertNone(ShippedAnswer.Read(@case) is { } answer
            ? answer.Judge(@case, ConformanceRun.Parse(output))
            : ConformanceRun.Judge(caseName, offload, output, Quirks.None));
    }

    /// <summary>One row a case in the table, and no other rows.</summary>
    [Fact]
    public void The_document_says_why_each_is_right()
    {
        const string Head = "| case | what differs from the recording | why ours is right |\n|---|---|---|\n";
        string text = RepositoryFiles.Read("docs/conformance.md").ReplaceLineEndings("\n");
        int from = text.IndexOf(Head, StringComparison.Ordinal) + Head.Length;
        string[] rows = text[from..text.IndexOf("\n\n", from, StringComparison.Ordinal)].Split('\n');
        Assert.All(rows, r => Assert.Equal(3, r.Split('|', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Length));
        IEnumerable<string> explained = rows.SelectMany(r => r.Split('|')[1].Split(',')).Select(n => n.Trim().Trim('`'));
        IEnumerable<string> listed = CaseFiles.Names.Where(n => ShippedAnswer.Read(CaseFiles.Load(n)) is not null);
        Assert.Equal(listed, explained.Order(StringComparer.Ordinal));
    }

    /// <summary>The judge itself: what is listed has to differ, as listed, and nothing else may.</summary>
    [Fact]
    public void An_answer_that_is_not_the_listed_one_fails()
    {
        ConformanceCase @case = CaseFiles.Load("nat_swept_port");
        ShippedAnswer answer = ShippedAnswer.Read(@case)!;
        byte[] shipped = ConformanceRun.Replay(@case.Name, OffloadMode.None, quirks: Quirks.None);
        Assert.Empty(answer.Judge(@case, ConformanceRun.Parse(shipped)));

        ReplayedOutput recorded = ConformanceRun.Parse(ConformanceRun.Replay(@case.Name, OffloadMode.None));
        Assert.Equal(answer.Count, answer.Judge(@case, recorded).Count);

        ReplayedOutput other = ConformanceRun.Parse(shipped);
        other.Events[0] = [];
        Assert.Single(answer.Judge(@case, other));
        ReplayedOutput wrong = ConformanceRun.Parse(shipped);
        wrong.Events[6] = [];
        Assert.Single(answer.Judge(@case, wrong));
    }
}
