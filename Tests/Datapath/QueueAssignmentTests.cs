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

    [Fact]
    public void A_queue_that_is_held_is_nobody_s_until_it_moves()
    {
        QueueAssignment queues = new([], queuesPerPort: 1, pmdCount: 3);
        queues.Add(7, 2, QueueAssignment.Nobody);
        Assert.Equal(QueueAssignment.Nobody, queues.PmdOf(new RxQueueName(7, 1)));
        queues.Move(new RxQueueName(7, 1), 2);
        queues.Hold(new RxQueueName(7, 0));
        Assert.Equal([new(7, 1)], queues.QueuesOf(2));
        Assert.Throws<ArgumentOutOfRangeException>(() => queues.Move(new RxQueueName(7, 1), QueueAssignment.Nobody));
        Assert.Throws<ArgumentOutOfRangeException>(() => queues.Hold(new RxQueueName(7, 2)));
        Assert.Throws<ArgumentOutOfRangeException>(() => queues.Add(7, 2, 3));
    }

    [Fact]
    public void A_port_that_is_given_anew_has_the_queues_that_it_is_given()
    {
        QueueAssignment queues = new([], queuesPerPort: 1, pmdCount: 2);
        queues.Add(7, 3, 1);
        queues.Add(7, 2, 0);
        Assert.Equal([new(7, 0), new(7, 1)], queues.QueuesOf(0));
        Assert.Empty(queues.QueuesOf(1));
        queues.Forget(7);
        Assert.Empty(queues.QueuesOf(0));
    }
}
