namespace Mergeflow.Perf;

/// <summary>Shows how far a session is. Called between runs only: while a run is measured nothing else shall happen.</summary>
public interface IProgressView
{
    /// <summary>A session of so many rows begins.</summary>
    void Begin(int rowCount);

    /// <summary>A row has got somewhere.</summary>
    /// <param name="row">Number of the row, from 1.</param>
    /// <param name="title">Scenario and mode.</param>
    /// <param name="phase">What it does.</param>
    /// <param name="part">Part of the whole session, 0..1.</param>
    /// <param name="secondsLeft">Estimated time left.</param>
    void Step(int row, string title, string phase, double part, double secondsLeft);

    /// <summary>A row is finished.</summary>
    void Done(int row, string title, ScenarioResult result, double secondsLeft);

    /// <summary>The session is over, or broken off.</summary>
    void End();
}
