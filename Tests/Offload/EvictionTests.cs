using Xunit;

namespace Mergeflow.Tests;

/// <summary>Of two idle rules of a full table, the one that has been idle longer makes room.</summary>
public sealed class EvictionTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_least_recently_used_rule_goes(bool reversed)
    {
        MergedFlow first = Active(1, reversed ? 900 : 500), second = Active(2, reversed ? 500 : 900);
        MergedFlow newcomer = new(3);
        for (int i = 0; i < 3; i++) Assert.Same(reversed ? second : first, new AdmitAll().ChooseVictim([first, second, newcomer], newcomer, 10_000));
        Assert.Null(new AdmitAll().ChooseVictim([first, second], newcomer, 550));
    }

    private static MergedFlow Active(int id, long atMs)
    {
        MergedFlow rule = new(id);
        rule.MoveTo(MergedFlowState.Installing, 0);
        rule.MoveTo(MergedFlowState.Active, atMs);
        return rule;
    }
}
