"""Figures, tables and one-file HTML reports of a search or a comparison. Data in; nothing here runs or changes one."""

from netwright.reports.compared import Compared
from netwright.reports.comparison_page import comparison_html, write_comparison
from netwright.reports.comparison_text import comparison_headline, comparison_tables, left_out_lines
from netwright.reports.drawing import Drawing, DrawnLayer
from netwright.reports.environment import environment
from netwright.reports.page import report_html, write_report
from netwright.reports.report_data import FinalTraining, ReportData, TaskFacts
from netwright.reports.summary import summary_lines
from netwright.reports.tables import arch_text, history_frame, history_table

__all__ = [
    "Compared",
    "Drawing",
    "DrawnLayer",
    "FinalTraining",
    "ReportData",
    "TaskFacts",
    "arch_text",
    "comparison_headline",
    "comparison_html",
    "comparison_tables",
    "environment",
    "history_frame",
    "history_table",
    "left_out_lines",
    "report_html",
    "summary_lines",
    "write_comparison",
    "write_report",
]
