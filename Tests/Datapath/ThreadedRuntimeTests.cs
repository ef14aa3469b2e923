using Mergeflow.Native;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Pollers on threads: one that throws is reported at once, and all end in good order.</summary>
public sealed class ThreadedRuntimeTests
{
    private static readonly TimeSpan s_longest = TimeSpan.FromMinutes(2);

    [Theory]
    [InlineData("pmd")]
    [InlineData("revalidator")]
    [InlineData("conntrack")]
    public void A_poller_that_throws_ends_the_runtime_in_good_order(string name)
    {
        QuiescentState quiescent = new();
        List<PollerFailure> reported = [];
        void OnFailure(PollerFailure f)
        {
            if (f.Exception.Message == $"injected into {name}") reported.Add(f);
        }

        PollerFailures.Reported += OnFailure;
        long before = PollerFailures.Count;
        Counting healthy = new(), second = new();
        ThreadedRuntime runtime = new();
        try
        {
            runtime.Add("healthy", null, [healthy], quiescent.Register());
            runtime.Add("ill", null, [second, new Throwing(name, after: 3)], quiescent.Register());
            runtime.Start();
            Assert.True(SpinWait.SpinUntil(() => runtime.Failure is not null, s_longest));
            PollerFailure failure = runtime.Failure!;
            Assert.Equal((name, $"injected into {name}"), (failure.Poller, failure.Exception.Message));
            Assert.StartsWith($"{name} thread: InvalidOperationException: injected into {name}; it ends", failure.Line, StringComparison.Ordinal);

            // Nobody has called Stop: an owner that goes on is not kept from reclaiming.
            ulong point = quiescent.Begin();
            Assert.True(SpinWait.SpinUntil(() => quiescent.HasPassed(point), s_longest));
            InvalidOperationException thrown = Assert.Throws<InvalidOperationException>(runtime.Stop);
            Assert.Equal($"ill: injected into {name}", thrown.Message);
            Assert.Equal(name, Assert.Single(reported).Poller);
            Assert.True(PollerFailures.Count > before);
            Assert.Equal(4, second.Steps);
            long steps = healthy.Steps;
            Assert.Equal(steps, healthy.Steps);
        }
        finally
        {
            PollerFailures.Reported -= OnFailure;
        }
    }

    [Fact]
    public void A_runtime_that_is_stopped_leaves_its_readers()
    {
        QuiescentState quiescent = new();
        Counting poller = new();
        using (ThreadedRuntime runtime = new())
        {
            runtime.Add("one", null, [poller], quiescent.Register());
            runtime.Start();
            Assert.True(SpinWait.SpinUntil(() => poller.Steps > 2, s_longest));
        }

        Assert.True(quiescent.HasPassed(quiescent.Begin()));
    }

    private sealed class Counting : IPoller
    {
        private long _steps;

        public string Name => "counting";

        public long Steps => Interlocked.Read(ref _steps);

        public int Step(long nowMs)
        {
            Interlocked.Increment(ref _steps);
            return 0;
        }
    }

    private sealed class Throwing(string name, int after) : IPoller
    {
        private int _steps;

        public string Name => name;

        public int Step(long nowMs)
            => ++_steps > after ? throw new InvalidOperationException($"injected into {name}") : 0;
    }
}
