using Mergeflow.Native;
using Xunit;

namespace Mergeflow.PropertyTests;

/// <summary>Requests and answers between a packet thread and a handler thread (<see cref="UpcallChannel{T}"/>): each is answered once, with its own answer, in order, and nobody sleeps over one.</summary>
public sealed class UpcallChannelLitmus
{
    private const int Requests = 3, Places = 2;

    private static readonly Explorer s_explorer = new() { MaxPreemptions = 4, MaxRuns = 8000, RandomRuns = 800 };

    [Fact]
    public void Each_request_gets_its_own_answer_once_and_in_order() => s_explorer.Explore(static () => Run(new UpcallChannel<Request>(NewPlaces()))).MustHold();

    [Fact]
    public void A_packet_thread_that_does_not_wait_for_the_answer_is_caught() => s_explorer.Explore(static () => Run(new DoesNotWait(NewPlaces()))).MustBeCaught("answer");

    [Fact]
    public void A_request_that_is_counted_before_it_is_there_is_caught() => s_explorer.Explore(static () => Run(new CountsFirst(NewPlaces()))).MustBeCaught("request");

    [Fact]
    public void A_place_that_is_given_back_before_its_answer_is_used_is_caught() => s_explorer.Explore(static () => Run(new UpcallChannel<Request>(NewPlaces()), releasesFirst: true)).MustBeCaught("answer");

    private static Request[] NewPlaces() => [.. Enumerable.Range(0, Places).Select(static _ => new Request())];

    private static LitmusRun Run(UpcallChannel<Request> channel, bool releasesFirst = false)
    {
        int asked = 0;
        return new LitmusRun(
        [
            () =>
            {
                SpinWait spin = default;
                for (int done = 0; done < Requests;)
                {
                    if (asked < Requests && channel.Free is { } place) Ask(channel, place, ++asked);
                    if (channel.Answered is not { } answered)
                    {
                        Interleaving.Wait(ref spin, "no answer");
                        continue;
                    }

                    if (releasesFirst)
                    {
                        channel.Done();
                        if (asked < Requests && channel.Free is { } other) Ask(channel, other, ++asked);
                        if (asked < Requests && channel.Free is { } another) Ask(channel, another, ++asked);
                    }

                    Interleaving.Step("use");
                    LitmusViolation.Unless(answered.Answer == -(done + 1), $"the answer to {done + 1} is {answered.Answer}");
                    done++;
                    if (!releasesFirst) channel.Done();
                }
            },
            () =>
            {
                SpinWait spin = default;
                for (int done = 0; done < Requests;)
                {
                    if (channel.Asked is not { } request)
                    {
                        Interleaving.Wait(ref spin, "no request");
                        continue;
                    }

                    Interleaving.Step("translate");
                    LitmusViolation.Unless(request.Number == done + 1, $"the request is {request.Number}, not {done + 1}");
                    request.Answer = -request.Number;
                    channel.Answer();
                    done++;
                }
            },
        ]);
    }

    private static void Ask(UpcallChannel<Request> channel, Request place, int number)
    {
        if (channel is CountsFirst broken) broken.AskFirst();
        Interleaving.Step("fill");
        (place.Number, place.Answer) = (number, 0);
        if (channel is not CountsFirst) channel.Ask();
    }

    internal sealed class Request
    {
        public int Number { get; set; }

        public int Answer { get; set; }
    }

    private sealed class DoesNotWait(Request[] places) : UpcallChannel<Request>(places)
    {
        public override Request? Answered => Oldest;
    }

    private sealed class CountsFirst(Request[] places) : UpcallChannel<Request>(places)
    {
        public void AskFirst() => CountAsked();
    }
}
