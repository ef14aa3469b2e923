using Xunit;

namespace Mergeflow.Tests;

/// <summary>Receive queues go to packet threads in turn, by configuration, and by order while the switch runs.</summary>
public sealed class QueueAssignmentTests
{
    [Fact]
    public void Queues_go_round()
    {
        QueueAssignment queues = new([1, 2, 3], queuesPerPort: 2, pmdCount: 4);
        Assert.Equal([new(1, 0), new(3, 0)], queues.QueuesOf(0));
        Assert.Equal([new(1, 1), new(3, 1)], queues.QueuesOf(1));
        Assert.Equal([new(2, 0)], queues.QueuesOf(2));
        Assert.Equal([new(2, 1)], queues.QueuesOf(3));
    }

    [Fact]
    public void A_pinned_queue_is_its_thread_s_and_the_others_go_round_without_it()
    {
        QueueAssignment queues = new([1, 2], queuesPerPort: 2, pmdCount: 2, [new QueuePin(new RxQueueName(1, 0), 1)]);
        Assert.Equal([new(1, 1), new(2, 1)], queues.QueuesOf(0));
        Assert.Equal([new(1, 0), new(2, 0)], queues.QueuesOf(1));
    }

    [Fact]
    public void A_queue_moves()
    {
        QueueAssignment queues = new([1], queuesPerPort: 1, pmdCount: 2);
        queues.Move(new RxQueueName(1, 0), 1);
        Assert.Equal(1, queues.PmdOf(new RxQueueName(1, 0)));
        Assert.Empty(queues.QueuesOf(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => queues.Move(new RxQueueName(1, 1), 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => queues.Move(new RxQueueName(1, 0), 2));
    }
}
